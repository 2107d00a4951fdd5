"""Which programs are offered, and that only those with their right checksum are ready."""

import os
import shutil
from pathlib import Path

import pytest

from clusters.engines.local import artifacts, binaries, sums
from clusters.engines.local.artifacts import SHARED, BinariesUnusable
from clusters.engines.local.progress import PHASES, State
from pks_portal.errors import PortalError
from tests.engines.binaries.conftest import NAMES, VERSION, tiny_components


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver"])
def test_a_damaged_program_is_named_and_only_it_is_built_anew(cache: Path, name: str) -> None:
    found = binaries.ready(VERSION, cache)
    assert found
    damage(found.path(name))
    with pytest.raises(BinariesUnusable) as raised:
        binaries.ready(VERSION, cache)
    assert (raised.value.key, raised.value.facts) == ("binaries.corrupt", {"path": str(found.path(name))})
    assert raised.value.next_step
    assert binaries.state(VERSION, cache).phase == "failed"
    told: list[State] = []
    assert binaries.build(VERSION, cache, told.append) == found
    assert {state.component for state in told} - {""} == {name}
    assert binaries.ready(VERSION, cache) == found


def test_a_missing_program_or_manifest_is_not_ready(cache: Path) -> None:
    (cache / "bin" / VERSION / "kubectl").unlink()
    assert binaries.ready(VERSION, cache) is None
    binaries.build(VERSION, cache, lambda _: None)
    (cache / "bin" / "manifest.json").write_text("{")
    assert binaries.ready(VERSION, cache) is None


def test_another_recipe_means_another_build(cache: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tiny_components(tools, ldflags=f"-X main.version={VERSION}")
    monkeypatch.setattr(artifacts, "components", lambda _: changed)
    assert binaries.ready(VERSION, cache) is None


def test_checksums_are_computed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert binaries.ready(VERSION, cache)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("computed again"))
    assert binaries.ready(VERSION, cache)


def test_who_only_asks_reads_no_program(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and POSTs ask for the state, in a process that has computed nothing."""
    assert binaries.state(VERSION, cache).said.key == "binaries.unchecked"
    found = binaries.ready(VERSION, cache)
    assert found
    monkeypatch.setattr(sums, "_sums", {})
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("a program was read"))
    assert binaries.state(VERSION, cache).phase == "ready"
    damage(found.path("etcd"))
    assert binaries.state(VERSION, cache).said.key == "binaries.unchecked"
    monkeypatch.undo()
    assert binaries.checked(VERSION, cache).said.key == "binaries.corrupt"


def test_who_runs_programs_does_not_trust_what_was_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage that leaves size and times alone is seen by the next process that uses the program."""
    found = binaries.ready(VERSION, cache)
    assert found
    etcd = found.path("etcd")
    before = etcd.stat()
    damage(etcd)
    os.utime(etcd, ns=(before.st_atime_ns, before.st_mtime_ns))
    monkeypatch.setattr(sums, "_sums", {})
    monkeypatch.setattr(sums, "_kept", set())
    with pytest.raises(BinariesUnusable):
        binaries.ready(VERSION, cache)
    assert binaries.state(VERSION, cache).phase == "failed"


@pytest.fixture
def provided(built: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of programs with published checksums, named by the setting; the cache has none."""
    shutil.rmtree(cache)
    folder = tmp_path / "provided"
    shutil.copytree(built / "cache" / "bin", folder, ignore=shutil.ignore_patterns("*.json", "*.lock"))
    for file in [*folder.iterdir(), *(folder / VERSION).iterdir()]:
        if file.is_file():
            file.with_name(f"{file.name}.sha256").write_text(f"{sums.computed(file)}  {file.name}\n")
    monkeypatch.setenv("PKS_KUBERNETES_BINARIES", str(folder))
    return folder


def test_provided_programs_win_over_building(provided: Path, tmp_path: Path) -> None:
    found = binaries.ready(VERSION, tmp_path / "cache")
    assert found
    assert found.path("kubectl") == provided / VERSION / "kubectl"
    assert binaries.build(VERSION, tmp_path / "cache", lambda _: None) == found
    (provided / VERSION).rename(provided / "9.9.10")
    assert binaries.offered() == ("9.9.10", VERSION)
    found = binaries.build("9.9.10", tmp_path / "cache", lambda _: None)
    assert found.path("etcd") == provided / "etcd"
    assert [entry.name for entry in (tmp_path / "cache" / "bin").iterdir()] == [".sums"]  # nothing was built


def test_only_what_is_not_provided_is_built(provided: Path, tmp_path: Path) -> None:
    (provided / "kwok").unlink()
    assert binaries.ready(VERSION, tmp_path / "cache") is None
    found = binaries.build(VERSION, tmp_path / "cache", lambda _: None)
    assert found.path("etcd") == tmp_path / "cache" / "bin" / "etcd"
    assert found.path("kubectl") == provided / VERSION / "kubectl"
    assert not (tmp_path / "cache" / "bin" / VERSION / "kubectl").exists()


def test_a_provided_program_needs_its_right_checksum(provided: Path, tmp_path: Path) -> None:
    damage(provided / "etcd")
    with pytest.raises(PortalError) as raised:
        binaries.ready(VERSION, tmp_path / "cache")
    assert (raised.value.key, raised.value.facts["path"]) == ("binaries.corrupt_provided", str(provided / "etcd"))
    (provided / "etcd.sha256").unlink()
    with pytest.raises(PortalError) as raised:
        binaries.ready(VERSION, tmp_path / "cache")
    assert raised.value.key == "binaries.unsigned"
    assert "etcd.sha256" in raised.value.next_step


def test_recipes_of_the_offered_versions_are_whole() -> None:
    for version in artifacts.declared():
        parts = artifacts.components(version)
        assert [part.name for part in parts] == list(NAMES)
        for part in parts[len(SHARED) :]:
            assert f"component-base/version.gitVersion=v{version}" in part.recipe.ldflags
            assert f"client-go/pkg/version.gitVersion=v{version}" in part.recipe.ldflags
            assert (part.folder, part.recipe.version) == (version, version)
    assert binaries.default() == binaries.offered()[0] == "1.37.2"
    assert sum(PHASES.values()) == 100
