"""The encrypted archive: what goes in comes out, and nothing else is ever taken for it."""

import io
import tarfile
from pathlib import Path

import pytest

from pks_portal.upkeep import archive, encryption
from pks_portal.upkeep.encryption import ArchiveError

PHRASE = "correct horse battery"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an archive of two files, of several chunks."""
    monkeypatch.setattr(encryption, "COST", 1 << 10)
    monkeypatch.setattr(encryption, "CHUNK", 1 << 14)
    (tmp_path / "large").write_bytes(bytes(range(256)) * 400)
    path = tmp_path / "backup"
    with archive.writing(path, PHRASE, {"release": "1"}) as writer:
        writer.add("some/large", tmp_path / "large")
        writer.text("small", "klein ✓")
    return path


def test_what_goes_in_comes_out(made, tmp_path):
    facts = archive.extract(made, PHRASE, tmp_path / "out")
    assert facts["release"] == "1"
    assert sorted(facts["files"]) == ["small", "some/large"]
    assert (tmp_path / "out" / "some" / "large").read_bytes() == (tmp_path / "large").read_bytes()
    assert (tmp_path / "out" / "small").read_text() == "klein ✓"
    assert archive.check(made, PHRASE) == facts
    assert made.stat().st_mode & 0o777 == 0o600
    assert b"klein" not in made.read_bytes()


def test_another_passphrase_opens_nothing(made):
    with pytest.raises(ArchiveError, match="passphrase"):
        archive.check(made, PHRASE + "x")


def test_no_changed_byte_goes_unnoticed(made):
    whole = made.read_bytes()
    for at in range(0, len(whole), 997):
        made.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ArchiveError):
            archive.check(made, PHRASE)


def test_nothing_may_be_cut_off_left_out_or_added(made):
    whole = made.read_bytes()
    header = whole.index(b"\n") + 1
    step = 4 + (1 << 14) + encryption.TAG
    for other in (
        b"",
        whole[:header],
        whole[:-1],
        whole[: header + step],
        whole[: header + step] + whole[header + 2 * step :],
        whole[:header] + whole[header + step : header + 2 * step] + whole[header : header + step],
        whole + b"\0",
    ):
        made.write_bytes(other)
        with pytest.raises(ArchiveError):
            archive.check(made, PHRASE)


def test_a_backup_that_fails_leaves_no_file(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        archive.writing(tmp_path / "backup", PHRASE, {}) as writer,
    ):
        writer.add("gone", tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_never_replaced(made):
    with pytest.raises(FileExistsError), archive.writing(made, PHRASE, {}):
        pass
    assert archive.check(made, PHRASE)


@pytest.mark.parametrize("name", ["/etc/passwd", "../out", "a/../../b"])
def test_no_path_leads_outside(tmp_path, name, monkeypatch):
    monkeypatch.setattr(encryption, "COST", 1 << 10)
    path = tmp_path / "evil"
    with path.open("wb") as file:
        sealing = encryption.Sealing(file, PHRASE)
        with tarfile.open(fileobj=sealing, mode="w|") as tar:  # type: ignore[call-overload]
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        sealing.finish()
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="outside"):
        archive.extract(path, PHRASE, tmp_path / "out")
