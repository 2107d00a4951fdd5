"""`manage.py check --deploy` says what is open or missing, and what to do."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from pks_portal import authority, files, keyring
from pks_portal.upkeep import checks


@pytest.fixture(autouse=True)
def sound(settings, tmp_path: Path, monkeypatch) -> None:
    """Set up what the checks have nothing to say about; each test spoils one part."""
    monkeypatch.setenv("PKS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PKS_KEY_RING", raising=False)
    monkeypatch.setenv("PKS_KEY_RING_FILE", str(tmp_path / "ring"))
    keyring.create(tmp_path / "ring")
    (tmp_path / "keys").mkdir()
    authority.ensure(tmp_path, ["localhost"])
    (tmp_path / "ca.pem").write_bytes((tmp_path / "issuer" / "ca.pem").read_bytes())
    settings.SECURE, settings.PUBLIC_URL = True, "https://pks.corp.example"
    settings.SECRET_KEY = "only-for-tests-" + "0123456789" * 4
    settings.REDIS_URL = "redis://:only-for-tests@127.0.0.1/0"
    settings.ISSUER_IS_ELSEWHERE = False
    settings.DIRECTORY = {"uris": ["ldaps://a"], "start_tls": False, "ca_file": str(tmp_path / "ca.pem")}


def found() -> list[str]:
    messages = checks.company()
    assert all(message.hint for message in messages), "each says what to do"
    return [str(message.id) for message in messages]


def test_nothing_to_say():
    assert found() == []


def test_plain_http(settings):
    settings.SECURE = False
    assert found() == ["pks.E001"]


def test_key_ring_gone_or_open(tmp_path):
    (tmp_path / "ring").chmod(0o644)
    assert found() == ["pks.E003"]
    (tmp_path / "ring").unlink()
    assert found() == ["pks.E002"]


def test_short_secret_key(settings):
    settings.SECRET_KEY = "x" * 49
    assert found() == ["pks.E004"]


def test_issuer_without_a_certificate_or_one_that_ends(tmp_path, monkeypatch, settings):
    later = timezone.now() + authority.SERVER_LIFE - checks.SOON + timedelta(hours=1)
    monkeypatch.setattr(checks.timezone, "now", lambda: later)
    assert found() == ["pks.W006"]
    (tmp_path / "issuer" / "server.pem").unlink()
    assert found() == ["pks.W005"]
    settings.ISSUER_IS_ELSEWHERE = True
    assert found() == []


def test_redis_without_a_password(settings):
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"
    assert found() == ["pks.E007"]


def test_directory_in_plain_or_trusted_by_anybody(settings, tmp_path):
    settings.DIRECTORY = {**settings.DIRECTORY, "uris": ["ldap://a"]}
    assert found() == ["pks.E008"]
    settings.DIRECTORY = {**settings.DIRECTORY, "start_tls": True, "ca_file": ""}
    assert found() == ["pks.W009"]
    settings.DIRECTORY = {**settings.DIRECTORY, "ca_file": str(tmp_path / "ring")}
    assert found() == ["pks.E010"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write another's file")
def test_what_root_replaces_stays_its_owners(tmp_path):
    file = tmp_path / "key"
    files.write(file, "old")
    os.chown(file, 33, 34)
    files.write(file, "new")
    seen = file.stat()
    assert (file.read_text(), seen.st_uid, seen.st_gid) == ("new", 33, 34)
