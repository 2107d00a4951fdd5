"""Backup and restore through the commands, on databases of their own: SQLite files, and PostgreSQL where CI has it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from pks_portal.paths import CHECKOUT

PHRASE = "correct horse battery"
FOREIGN = ("PKS_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_")
MARK = "tenant-of-the-backup"


class Place:
    """A portal's data directory and database, and its commands."""

    def __init__(self, data: Path, database: str = "") -> None:
        self.data = data
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = {**kept, "PKS_DATA_DIR": str(data), "PKS_BACKUP_PASSPHRASE": PHRASE}
        self.environment |= {"SECRET_KEY_FILE": str(data / "keys" / "secret-key")}
        self.environment |= {"DATABASE_URL": database} if database else {}

    def manage(self, *words: str, refused: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=CHECKOUT, env=self.environment, capture_output=True, text=True,
            timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert bool(done.returncode) is refused, done.stdout + done.stderr
        return done.stdout + done.stderr

    def found(self) -> list[str]:
        """Return the slugs of all tenants."""
        text = "SELECT slug FROM tenants_tenant"
        if url := self.environment.get("DATABASE_URL"):
            return psql(text, url).split()
        with closing(sqlite3.connect(self.data / "db" / "portal.sqlite3")) as link:
            return [slug for (slug,) in link.execute(text)]


def psql(text: str, url: str = "") -> str:
    words = ["psql", url or os.environ["DATABASE_URL"], "-qAtc", text]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def database(template: str = "") -> tuple[str, str]:
    """Return the name and URL of a new PostgreSQL database, empty or like another; of SQLite both are empty."""
    if not (url := os.environ.get("DATABASE_URL")):
        return "", ""
    name = f"backup_{uuid4().hex[:12]}"
    psql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return name, urlsplit(url)._replace(path=f"/{name}").geturl()


def drop(*names: str) -> None:
    for name in filter(None, names):
        psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, str]]:
    """Return a portal with a tenant and one cluster's authorities, and its database's name; tests use copies."""
    name, url = database()
    place = Place(tmp_path_factory.mktemp("first") / "a", url)
    (place.data / "keys").mkdir(parents=True)
    (place.data / "db").mkdir()
    (place.data / "keys" / "secret-key").write_text("s" * 50)
    (place.data / "clusters" / "c1" / "secrets").mkdir(parents=True)
    (place.data / "clusters" / "c1" / "secrets" / "ca.crt").write_text("certificate")
    (place.data / "clusters" / "c1" / "etcd-1").mkdir()
    (place.data / "clusters" / "c1" / "etcd-1" / "data").write_text("not ours")
    place.manage("key_ring", "create")
    place.manage("migrate", "--verbosity", "0")
    code = f"from tenants.models import Tenant; Tenant.objects.create(slug='{MARK}', name='x')"
    place.manage("shell", "--no-imports", "-c", code)
    yield place, name
    drop(name)


@pytest.fixture
def source(first: tuple[Place, str], tmp_path: Path) -> Iterator[Place]:
    """Return a copy of that portal."""
    name, url = database(first[1])
    shutil.copytree(first[0].data, tmp_path / "a")
    yield Place(tmp_path / "a", url)
    drop(name)


@pytest.fixture
def empty() -> Iterator[str]:
    """Return the URL of an empty database to restore into; without one, SQLite in the data directory is meant."""
    name, url = database()
    yield url
    drop(name)


def test_a_backup_rises_in_an_empty_place(source, tmp_path, empty):
    file = tmp_path / "portal.backup"
    assert "files" in source.manage("backup", str(file))
    assert "files" in source.manage("backup", "--check", str(file))
    assert MARK.encode() not in file.read_bytes()
    target = Place(tmp_path / "b", empty)
    said = target.manage("restore", str(file))
    assert "authorities of 1 clusters" in said
    assert MARK in target.found()
    for name in ("key-ring", "secret-key"):
        assert (target.data / "keys" / name).read_bytes() == (source.data / "keys" / name).read_bytes()
        assert (target.data / "keys" / name).stat().st_mode & 0o077 == 0
    apart = target.data / "restored" / "clusters" / "c1"
    assert (apart / "secrets" / "ca.crt").read_text() == "certificate"
    assert not (apart / "etcd-1").exists()
    assert not list(target.data.glob(".backup-*"))


def test_nothing_that_is_there_is_touched(source, tmp_path):
    file = tmp_path / "portal.backup"
    source.manage("backup", str(file))
    before = file.read_bytes()
    assert "is there already" in source.manage("backup", str(file), refused=True)
    assert file.read_bytes() == before
    assert "not empty" in source.manage("restore", str(file), refused=True)
    (source.data / "keys").rename(source.data / "away")
    assert "database is not empty" in source.manage("restore", str(file), refused=True)


def test_what_is_no_backup_leaves_nothing(source, tmp_path, empty):
    file = tmp_path / "portal.backup"
    source.manage("backup", str(file))
    whole = file.read_bytes()
    target = Place(tmp_path / "b", empty)
    for broken, words in ((b"hello", "no backup"), (whole[:-20], "cut off or damaged")):
        file.write_bytes(broken)
        assert words in target.manage("restore", str(file), refused=True)
    file.write_bytes(whole)
    target.environment["PKS_BACKUP_PASSPHRASE"] = "another passphrase"
    assert "passphrase is another one" in target.manage("restore", str(file), refused=True)
    assert not (target.data / "keys").exists()
    target.environment["PKS_BACKUP_PASSPHRASE"] = PHRASE
    target.manage("restore", str(file))
    assert MARK in target.found()


def test_a_short_passphrase_is_refused(source, tmp_path):
    source.environment["PKS_BACKUP_PASSPHRASE"] = "short"
    assert "at least 12" in source.manage("backup", str(tmp_path / "x"), refused=True)
    assert not (tmp_path / "x").exists()


KILLED = """
import os, django
from pks_portal.upkeep import bare
os.environ["DJANGO_SETTINGS_MODULE"] = "pks_portal.settings"
bare.without_lost_files()
django.setup()
from django.core.management import call_command
from pks_portal.upkeep import {module}
real = {module}.{name}
def killed(*words):
    real(*words)
    os._exit(9)
{module}.{name} = killed
call_command("restore", {file!r})
"""


@pytest.mark.parametrize(("module", "name"), [("databases", "load"), ("backups", "_keep_apart")])
def test_a_restore_that_was_killed_goes_on(source, tmp_path, empty, module, name):
    file, other = tmp_path / "portal.backup", tmp_path / "other.backup"
    source.manage("backup", str(file))
    source.manage("shell", "--no-imports", "-c", "from tenants.models import Tenant; Tenant.objects.update(name='y')")
    source.manage("backup", str(other))
    target = Place(tmp_path / "b", empty)
    code = KILLED.format(module=module, name=name, file=str(file))
    died = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=target.environment, timeout=120, check=False)
    assert (died.returncode, (target.data / "keys").exists()) == (9, False)
    assert "restore that one" in target.manage("restore", str(other), refused=True)
    target.manage("restore", str(file))
    assert MARK in target.found()
    assert (target.data / "restored" / "clusters" / "c1" / "secrets" / "ca.crt").read_text() == "certificate"
    assert {file.name for file in target.data.iterdir() if file.name.startswith(".")} == set()
    assert "not empty" in target.manage("restore", str(file), refused=True)


def test_the_database_may_lie_on_another_disk(source, tmp_path, empty):
    if empty:
        return  # PostgreSQL has its own
    with tempfile.TemporaryDirectory(dir="/dev/shm") as disk:
        file, target = tmp_path / "portal.backup", Place(tmp_path / "b")
        source.manage("backup", str(file))
        assert Path(disk).stat().st_dev != tmp_path.stat().st_dev, "two disks are needed"
        target.data.mkdir()
        (target.data / "db").symlink_to(disk)
        target.manage("restore", str(file))
        assert MARK in target.found()
        assert (Path(disk) / "portal.sqlite3").stat().st_mode & 0o077 == 0
