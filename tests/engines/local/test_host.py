"""What a host may lack: a free address, memory, room on the disk, whole programs."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clusters.engines.base import Removal, Wanted
from clusters.engines.local import binaries, capacity, network, processes
from clusters.engines.local.claims import Claims
from clusters.engines.local.engine import LocalEngine
from clusters.engines.local.host import HostFull
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import Network
from pks_portal import paths
from pks_portal.errors import Conflict, Invalid, PortalError
from tests.engines.conftest import VERSION, needs_binaries
from tests.engines.rig import last, wish


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Return a data directory; what was started in it ends with the test, the clusters' supervisor too."""
    needs_binaries()
    data = tmp_path / "data"
    yield data
    processes.end(processes.marked(f"{data}/"), f"{data}/")


def anything(slot: int) -> bool:
    return True


def nothing(slot: int) -> bool:
    return False


def engine(root: Path, cache: Path | None = None) -> LocalEngine:
    return LocalEngine(root=root, cache=cache or paths.cache(), host=root.parent / "claims")


def advance(engine: LocalEngine, wanted: Wanted, *, steps: int = 3) -> None:
    """Begin, and take the steps before the control plane."""
    engine.begin(wanted)
    for _ in range(steps):
        engine.apply(wanted)


def nothing_left(root: Path, wanted: Wanted) -> bool:
    last(lambda: engine(root).remove(wanted.id), lambda removal: removal.done)
    clusters = root / "clusters"
    return not (list(clusters.iterdir()) if clusters.exists() else []) and not list(root.parent.glob("claims/slot-*"))


def test_a_slot_belongs_to_one_cluster(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    homes = [tmp_path / name for name in ("a", "b")]
    for home in homes:
        home.mkdir()
    first = claims.take(homes[0], anything)
    assert first is not None
    assert claims.take(homes[0], anything) == first  # again: the same
    assert claims.take(homes[1], first.__ne__) != first
    assert not claims.keep(homes[1], first)
    homes[0].rmdir()
    assert claims.keep(homes[1], first)  # who has no directory any more holds nothing


@pytest.mark.real
def test_a_taken_port_is_passed_over(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    slot = Claims(tmp_path / "one").take(home, network.usable)
    assert slot is not None
    with socket.create_server((Network(slot).door, network.API)):
        assert not network.usable(slot)
        assert Claims(tmp_path / "two").take(home, network.usable) not in {None, slot}


@pytest.mark.real
def test_no_free_address_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "usable", nothing)
    wanted = wish()
    with pytest.raises(PortalError) as refused:
        advance(engine(root), wanted)
    assert (refused.value.key, refused.value.facts["port"]) == ("engine.port_taken", 6443)
    assert nothing_left(root, wanted)


@pytest.mark.real
def test_no_memory_is_refused_with_figures(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKS_MEMORY_RESERVE_GIB", "1000000")
    wanted = wish()
    refusal = engine(root).preview(None, wanted).refusal
    assert refusal is not None
    assert (refusal.key, dict(refusal.args)) == ("engine.no_memory", {"needed_gib": 0.7, "free_gib": 0.0})
    with pytest.raises(Conflict) as refused:
        advance(engine(root), wanted)
    assert refused.value.facts == {"needed_gib": 0.7, "free_gib": 0.0}
    assert nothing_left(root, wanted)
    assert engine(root).preview(wanted, replace(wanted, pools=())).refusal is None  # shrinking needs no memory


@pytest.mark.real
def test_memory_is_kept_for_clusters_that_still_start(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "memory_free", lambda: 1.0)  # room for one
    first, second = wish(), wish()
    advance(engine(root), first)
    for _ in range(2):
        advance(engine(root), first)  # its own place does not stand in its way
    refusal = engine(root).preview(None, second).refusal
    assert refusal is not None
    assert dict(refusal.args) == {"needed_gib": 0.7, "free_gib": 0.3}
    with pytest.raises(Conflict) as refused:
        advance(engine(root), second)
    assert refused.value.facts == {"needed_gib": 0.7, "free_gib": 0.3}
    (Layout(root, first.id).home / "log" / "kwok.log").touch()  # from here on what it takes is seen in what is free
    advance(engine(root), second)
    for wanted in (first, second):
        last(lambda: engine(root).remove(wanted.id), lambda removal: removal.done)  # noqa: B023
    assert nothing_left(root, first)


@pytest.mark.real
def test_making_and_removing_end_after_each_step(root: Path) -> None:
    wanted = wish()
    layout, made = Layout(root, wanted.id), []
    engine(root).begin(wanted)
    for _ in range(3):
        engine(root).apply(wanted)
        made.append((layout.facts() is not None, (layout.bin / "kwok").exists(), layout.pki.exists()))
    assert made == [(True, False, False), (True, True, False), (True, True, True)]
    assert not (layout.home / "haproxy.cfg").exists()  # nothing of the control plane yet
    left: list[Removal] = []
    while not left or not left[-1].done:
        left.append(engine(root).remove(wanted.id))
    assert [sum(removal.steps.values()) for removal in left] == [1, 2, 3, 4]


@pytest.mark.real
def test_what_a_crashed_removal_left_is_found(root: Path) -> None:
    wanted = wish()
    layout = Layout(root, wanted.id)
    advance(engine(root), wanted)
    layout.home.rename(layout.home.with_name(f".{wanted.id}.removed"))
    assert not engine(root).remove(wanted.id).done
    assert nothing_left(root, wanted)
    assert not list((root / "clusters").iterdir())


@pytest.mark.parametrize("wrong", ["open", "link", "foreign"])
def test_a_claims_directory_that_is_not_ours_alone_is_refused(tmp_path: Path, wrong: str) -> None:
    place, home = tmp_path / "claims", tmp_path / "home"
    home.mkdir()
    if wrong == "link":
        (tmp_path / "other").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "other")
    else:
        place.mkdir(mode=0o700)
        place.chmod(0o755 if wrong == "open" else 0o700)
    if wrong == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(place, 1_899_999_999, -1)
    for ask in (Claims(place).homes, lambda: Claims(place).take(home, anything)):
        with pytest.raises(PortalError) as refused:
            ask()
        assert (refused.value.key, refused.value.facts) == ("engine.not_private", {"path": str(place)})
    assert not list(place.iterdir())


def test_memory_is_the_least_of_host_and_cgroups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKS_MEMORY_RESERVE_GIB", "1")
    monkeypatch.setattr(capacity, "_available", lambda: 8 * capacity.GIB)
    monkeypatch.setattr(capacity, "_cgroup_rooms", lambda: iter([3 * capacity.GIB]))
    assert capacity.memory_free() == 2.0


def test_cgroup_limits_are_read_on_the_way_up(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for folder, limit, used in ((inner, "max", 10), (inner.parent, "1000", 400)):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text(str(used))
        (folder / "memory.stat").write_text("anon 5\ninactive_file 100\n")
    assert list(capacity._rooms(tmp_path, "/a/b", "memory.max", "memory.current", "inactive_file")) == [700]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.real
def test_a_full_disk_is_named(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_binaries()
    wanted = wish()
    for least in (capacity.DISK_MIB, 0):  # refused beforehand; and where it happens nevertheless
        monkeypatch.setattr(capacity, "DISK_MIB", least)
        with pytest.raises(HostFull) as refused:
            advance(engine(small_disk / "data"), wanted)
        assert refused.value.key == "engine.disk_full"
        assert refused.value.facts["path"].startswith(str(small_disk))
        assert nothing_left(small_disk / "data", wanted)


@pytest.mark.real
def test_a_damaged_program_is_named(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "bin").mkdir(parents=True)
    ready = binaries.ready(VERSION, paths.cache())
    assert ready is not None
    for source in {path.parent for path in ready.files.values()}:
        target = cache / "bin" / (source.name if source.name == VERSION else "")
        target.mkdir(exist_ok=True)
        for path in source.iterdir():
            if path.suffix == ".json":
                shutil.copy(path, target)
            elif path.is_file():
                os.link(path, target / path.name)
    damaged = cache / "bin" / "etcd"
    damaged.unlink()
    damaged.write_bytes(b"not etcd")
    wanted = wish()
    with pytest.raises(PortalError) as refused:
        advance(engine(root, cache), wanted)
    assert (refused.value.key, refused.value.facts["path"]) == ("binaries.corrupt", str(damaged))
    assert nothing_left(root, wanted)


def test_a_cluster_waits_for_its_programs_and_says_so(tmp_path: Path) -> None:
    wanted = wish()
    empty = engine(tmp_path / "data", tmp_path / "empty")
    advance(empty, wanted, steps=1)
    seen = empty.observe(wanted)
    assert seen.waiting is not None
    assert seen.waiting.key.startswith("binaries.")
    assert (seen.exists, seen.settled, seen.steps["binaries"]) == (True, False, 0.0)


@pytest.mark.real
def test_three_members_are_refused_for_now(root: Path) -> None:
    wanted = replace(wish(), control_plane=3)
    assert engine(root).preview(None, wanted).refusal is not None
    with pytest.raises(Invalid):
        advance(engine(root), wanted)
