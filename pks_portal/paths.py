"""Where the portal keeps its data and its caches on this machine."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent


def data() -> Path:
    """Return the directory of everything worth keeping: db, keys, directory, redis, log, run, clusters."""
    return Path(os.environ.get("PKS_DATA_DIR") or CHECKOUT / "var").absolute()


def cache() -> Path:
    """Return the directory of what can be made again: Kubernetes binaries."""
    return Path(os.environ.get("PKS_CACHE_DIR") or Path.home() / ".cache" / "pks-portal").absolute()


def load_environment() -> None:
    """Take what `make run` wrote for this checkout, where the environment itself says nothing else."""
    file = data() / "run" / "portal.env"
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.partition("=")
        if sign and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())


def database(url: str) -> dict[str, Any]:
    """Return Django's description of the database: SQLite in the data directory, or PostgreSQL by its URL."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data() / "db" / "portal.sqlite3",
            # IMMEDIATE: a read that becomes a write must not find the database changed in between
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),  # such as ?sslmode=verify-full&sslrootcert=…
        "CONN_MAX_AGE": 0,  # under ASGI each request has a thread of its own: what it kept open nobody would use again
    }
