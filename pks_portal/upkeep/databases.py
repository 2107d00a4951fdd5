"""The whole database as one file, while the portal runs, and back into an empty one: SQLite and PostgreSQL."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.db import connection

from pks_portal import files

PATIENCE: Final = 3600.0  # seconds for a dump
TLS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""What of a URL's options the programs are told too."""


class DatabaseError(Exception):
    """The database's own program failed; the text has its words, without a password."""


def name() -> str:
    """Return what the dump is called: its form follows from the kind of database."""
    return "database.pgdump" if connection.vendor == "postgresql" else "database.sqlite3"


def dump(target: Path) -> None:
    """Write the database as it is at one moment. Raises DatabaseError."""
    if connection.vendor == "postgresql":
        _program("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={target}")
        target.chmod(0o600)
        return
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    source = f"file:{connection.settings_dict['NAME']}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)  # in one piece: between pieces each write, by anybody, would begin it anew
        if (found := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise DatabaseError(f"SQLite says of the copy: {found}")


def is_empty() -> bool:
    """Say whether nothing is in the database: no file, or no table."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return True
    return not connection.introspection.table_names()


def load(source: Path) -> None:
    """Bring a dump into the empty database, whole or not at all. Raises DatabaseError."""
    if source.name != name():
        raise DatabaseError(f"The backup has {source.name}, but this portal is set up for {name()}; set DATABASE_URL.")
    if connection.vendor == "postgresql":
        words = ("--no-owner", "--no-acl", "--exit-on-error", "--single-transaction")
        _program("pg_restore", *words, f"--dbname={connection.settings_dict['NAME']}", str(source))
        return
    target = Path(connection.settings_dict["NAME"])
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection.close()
    for left in ("-wal", "-shm"):  # SQLite would write what it holds over the restored database
        target.with_name(target.name + left).unlink(missing_ok=True)
    whole = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, whole)  # by copy: it may lie on another disk than what was unpacked
    whole.chmod(0o600)
    files.settle(whole, target)


def _program(*words: str) -> None:
    facts: dict[str, Any] = connection.settings_dict
    places = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {variable: str(facts[name]) for variable, name in places.items() if facts.get(name)}
    given |= {f"PG{name.upper()}": str(value) for name, value in facts.get("OPTIONS", {}).items() if name in TLS}
    try:
        done = subprocess.run(
            words, env={**os.environ, **given}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise DatabaseError(f"{words[0]} is not installed: apt install postgresql-client") from error
    except subprocess.TimeoutExpired as error:
        raise DatabaseError(f"{words[0]} took longer than {PATIENCE:.0f} s.") from error
    if done.returncode:
        raise DatabaseError(f"{words[0]}: {done.stderr.strip()[-1500:]}")
