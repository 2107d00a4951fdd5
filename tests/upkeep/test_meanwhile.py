"""What happens beside a backup, and on the host that one rose on."""

from pathlib import Path

import pytest

from pks_portal import files, keyring
from pks_portal.keyring import KeyRing, KeyRingError
from pks_portal.upkeep import archive, backups, databases

pytestmark = pytest.mark.django_db
PHRASE = "correct horse battery"


@pytest.fixture
def data(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data directory with a key ring of its own; the database is a text, for what is beside it matters."""
    monkeypatch.delenv("PKS_KEY_RING", raising=False)
    (scratch / "keys").mkdir()
    keyring.create(scratch / "keys" / "key-ring")
    monkeypatch.setattr(databases, "dump", lambda target: target.write_text("rows"))
    return scratch


def test_no_backup_holds_rows_that_its_own_ring_does_not_open(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rotated_and_pruned(target: Path) -> None:
        target.write_text(f"sealed under {keyring.ring().active}")
        new = keyring.ring().renewed()
        files.write(keyring.file(), KeyRing({new.active: new.keys[new.active]}).text(), durable=True)

    monkeypatch.setattr(databases, "dump", rotated_and_pruned)
    with pytest.raises(KeyRingError, match="again"):
        backups.make(data / "portal.backup", PHRASE)
    assert [file.name for file in data.iterdir()] == ["keys"]


def test_the_authorities_that_a_restore_put_apart_are_in_the_next_backup(data: Path) -> None:
    for home in ("clusters/c1", "restored/clusters/c2"):
        (data / home / "secrets").mkdir(parents=True)
        (data / home / "secrets" / "ca.key").write_text("key")
    backups.make(data / "portal.backup", PHRASE)
    held = archive.check(data / "portal.backup", PHRASE)["files"]
    assert {"clusters/c1/secrets/ca.key", "restored/clusters/c2/secrets/ca.key"} <= set(held)
