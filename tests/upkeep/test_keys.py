"""Private keys of the portal's own: sealed where they lie, bound to their place, sealed anew by rotation."""

import os
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pks_portal import files, keyring, keys
from pks_portal.keyring import KeyRingError
from pks_portal.upkeep import sealing

SECRET = b"-----BEGIN PRIVATE KEY-----"


@pytest.fixture
def data(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data directory with a key ring of its own and one cluster's directory."""
    monkeypatch.delenv("PKS_KEY_RING")
    (scratch / "clusters" / "c1" / "secrets").mkdir(parents=True)
    (scratch / "clusters" / "c2" / "secrets").mkdir(parents=True)
    call_command("key_ring", "create", stdout=StringIO())
    return scratch


def said(*words: str) -> str:
    out = StringIO()
    call_command("key_ring", *words, stdout=out)
    return out.getvalue()


def test_a_key_lies_sealed_and_opens_only_in_its_place(data):
    mine, other = (data / "clusters" / name / "secrets" / "ca.key" for name in ("c1", "c2"))
    keys.keep(mine, SECRET)
    assert b"PRIVATE" not in mine.read_bytes()
    assert mine.stat().st_mode & 0o777 == 0o600
    assert keys.read(mine) == SECRET
    with keys.readable(mine) as path:
        assert path.read_bytes() == SECRET
    assert not path.exists()
    other.write_bytes(mine.read_bytes())
    with pytest.raises(KeyRingError):
        keys.read(other)


def test_a_data_directory_may_move(data, tmp_path_factory):
    keys.keep(data / "clusters" / "c1" / "secrets" / "ca.key", SECRET)
    moved = tmp_path_factory.mktemp("elsewhere")
    (data / "clusters").rename(moved / "clusters")
    assert keys.read(moved / "clusters" / "c1" / "secrets" / "ca.key") == SECRET


@pytest.mark.django_db
def test_what_an_older_release_left_in_plain_is_read_and_then_sealed(data):
    old = data / "clusters" / "c1" / "secrets" / "ca.key"
    old.write_bytes(SECRET)
    assert keys.read(old) == SECRET
    assert "1 in plain" in said("list")
    assert "1 key files" in said("seal")
    assert b"PRIVATE" not in old.read_bytes()
    assert keys.read(old) == SECRET
    assert "0 key files" in said("seal")


@pytest.mark.django_db
def test_rotation_seals_anew_and_old_keys_go_only_when_nothing_needs_them(data):
    path = data / "clusters" / "c1" / "secrets" / "ca.key"
    keys.keep(path, SECRET)
    before = path.read_bytes()
    said("rotate")
    assert keyring.ring().active == "k2"
    assert keys.read(path) == SECRET
    late = data / "clusters" / "c2" / "secrets" / "ca.key"
    late.write_bytes(before.replace(b"c1", b"c2"))  # somebody who still had the old ring in hand
    assert said("prune") == "Every key still opens something.\n"
    late.unlink()
    assert said("prune") == "Dropped k1.\n"
    assert keys.read(path) == SECRET
    path.write_bytes(before)  # from an older backup
    with pytest.raises(CommandError, match="they need: k1"):
        said("list")


def test_the_ring_of_the_environment_is_not_changed(scratch):
    with pytest.raises(CommandError, match="change it there"):
        said("rotate")


def test_every_kind_of_sealed_column_is_found(data):
    names = {source.name for source in sealing.sources(data)}
    assert "key files" in names


def test_a_key_that_is_written_meanwhile_is_not_replaced_by_the_one_before_it(data, monkeypatch):
    path = data / "clusters" / "c1" / "secrets" / "ca.key"
    path.write_bytes(b"old")
    write = files.write
    writer = threading.Thread(target=keys.keep, args=(path, SECRET))

    def slow(*words: Any, **more: Any) -> None:
        monkeypatch.setattr(files, "write", write)
        writer.start()
        writer.join(0.5)  # it waits for us; without a lock it would be through now, and we would undo it
        write(*words, **more)

    monkeypatch.setattr(files, "write", slow)
    assert keys.renew(path)
    writer.join(10)
    assert keys.read(path) == SECRET
    assert [file.name for file in path.parent.iterdir()] == ["ca.key"]


def test_a_key_is_on_disk_before_an_older_one_may_be_dropped(data, monkeypatch):
    path = data / "clusters" / "c1" / "secrets" / "ca.key"
    path.write_bytes(SECRET)
    settled: list[tuple[str, bool]] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        fsync(descriptor)
        settled.append((os.path.realpath(f"/proc/self/fd/{descriptor}"), path.read_bytes() != SECRET))

    monkeypatch.setattr(os, "fsync", seen)
    assert keys.renew(path)
    (file, renamed), *after = settled
    assert (Path(file).parent, renamed) == (path.parent, False), "the file, under its passing name"
    assert after == [(str(path.parent), True)], "and then that it has its name"
