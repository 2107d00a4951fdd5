"""A build from nothing to programs that are vouched for, and each way in which it fails."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.engines.local import artifacts, binaries, gotool, sums
from clusters.engines.local.artifacts import BinariesUnusable
from clusters.engines.local.progress import State
from pks_portal.errors import Invalid, Unavailable
from tests.engines.binaries.conftest import ANSWER, NAMES, VERSION, script, tiny_components


def test_a_build_goes_through_its_phases_and_vouches_for_what_it_made(tools: Path, tmp_path: Path) -> None:
    told: list[State] = []
    (tools / "answer" / "answer.go").write_text(f"{ANSWER}// {tmp_path} {time.time_ns()}: not in the cache of Go\n")
    assert binaries.state(VERSION, tmp_path / "cache").phase == "absent"
    made = binaries.build(VERSION, tmp_path / "cache", told.append)
    phases = [state.phase for state in told]
    assert [*dict.fromkeys(phases)] == ["fetch", "compile", "link", "verify", "ready"]
    shares = [state.share for state in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {state.component for state in told if state.phase == "link"} == set(NAMES)
    for name in NAMES:
        assert subprocess.check_output([made.path(name)], text=True) == f"{name} {VERSION}\n"
    entry = artifacts.manifest(tmp_path / "cache" / "bin" / VERSION)["kubectl"]
    assert entry["sha256"] == sums.computed(made.path("kubectl"))
    assert entry["go"].startswith("go1.")
    assert (entry["cgo"], entry["trimpath"], entry["version"]) == (False, True, VERSION)
    assert binaries.ready(VERSION, tmp_path / "cache") == made
    assert binaries.state(VERSION, tmp_path / "cache").phase == "ready"
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_what_is_built_is_not_built_again(cache: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in (cache / "bin").rglob("*") if file.name in NAMES}
    told: list[State] = []
    binaries.build(VERSION, cache, told.append)
    assert [state.phase for state in told] == ["ready"]
    assert {file: file.stat().st_mtime_ns for file in before} == before


@pytest.mark.parametrize("version", ["1.99.0", "latest", "../../etc", ""])
def test_an_unknown_version_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as raised:
        binaries.build(version, tmp_path, lambda _: None)
    assert "1.37.2" in raised.value.detail
    assert not any(tmp_path.iterdir())


def test_a_compiler_error_is_shown_in_its_own_words(tools: Path, tmp_path: Path) -> None:
    (tools / "answer" / "answer.go").write_text("package answer\n\nfunc Print(name, version string) { undefined() }\n")
    with pytest.raises(BinariesUnusable) as raised:
        binaries.build(VERSION, tmp_path / "cache", lambda _: None)
    assert raised.value.key == "binaries.compile_failed"
    assert "undefined: undefined" in raised.value.cause
    after = binaries.state(VERSION, tmp_path / "cache")
    assert (after.phase, after.cause) == ("failed", raised.value.cause)


def test_sources_that_cannot_be_had_are_tried_again_and_may_come_later(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / "go.mod").write_text("module example.test/tiny\n\ngo 1.26.0\n\nrequire example.test/gone v1.0.0\n")
    (tools / "answer" / "answer.go").write_text('package answer\n\nimport _ "example.test/gone"\n')
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GONOSUMDB", "example.test")
    monkeypatch.setattr("clusters.engines.local.builder._Build._pause", lambda _, seconds: pauses.append(seconds))
    pauses: list[float] = []
    with pytest.raises(Unavailable) as raised:
        binaries.build(VERSION, tmp_path / "cache", lambda _: None)
    assert (raised.value.key, raised.value.system) == ("binaries.fetch_failed", "Go module proxy")
    assert "refused" in raised.value.cause
    assert pauses == [2, 4]


def test_a_program_that_calls_itself_otherwise_is_not_put_in_place(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tiny_components(tools, ldflags="-X main.version=0.0.0")
    monkeypatch.setattr(artifacts, "components", lambda _: wrong)
    with pytest.raises(BinariesUnusable) as raised:
        binaries.build(VERSION, tmp_path / "cache", lambda _: None)
    assert (raised.value.key, raised.value.cause) == ("binaries.verify_failed", "etcd 0.0.0")
    assert not (tmp_path / "cache" / "bin" / "etcd").exists()
    assert artifacts.manifest(tmp_path / "cache" / "bin") == {}


@pytest.mark.parametrize("version", ["", "go1.25.9"])
def test_without_a_new_enough_toolchain_it_says_so(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    script(tmp_path / "path" / "go", f"echo {version}") if version else (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    with pytest.raises(BinariesUnusable) as raised:
        binaries.build(VERSION, tmp_path / "cache", lambda _: None)
    assert (raised.value.key, raised.value.facts) == ("binaries.no_go", {"needed": "1.26"})


def test_the_toolchain_of_the_bootstrap_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "cache" / "go" / "bin" / "go", "echo go1.30.1")
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    found = gotool.Go.find(tmp_path / "cache", lambda: False)
    assert (found.path, found.version) == (tmp_path / "cache" / "go" / "bin" / "go", "go1.30.1")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a file system of 256 KiB."""
    folder = tmp_path / "full"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_with_its_room(tools: Path, full_disk: Path) -> None:
    with pytest.raises(BinariesUnusable) as raised:
        binaries.build(VERSION, full_disk, lambda _: None)
    assert (raised.value.key, raised.value.facts["path"]) == ("binaries.disk_full", str(full_disk))
