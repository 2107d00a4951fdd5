"""A database for trivy out of the tests' own advisories, made by tools/trivy-db."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tests.registry.scanning import gotools

ADVISORIES = sorted((Path(__file__).parent / "advisories").glob("*.json"))
RECORDS = sum(1 for file in ADVISORIES if '"withdrawn"' not in file.read_text())
"""How many of them trivy's database has: one that was withdrawn is left out of it."""


def program() -> Path:
    """Return the built tool; built once for a state of its source."""
    return gotools.built("trivy-db")


def database(directory: Path, updated_at: datetime, records: Sequence[Path] = ADVISORIES) -> Path:
    """Make trivy.db and metadata.json of OSV records in a directory and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    stamp = updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    subprocess.run([str(program()), str(directory), stamp, *map(str, records)], check=True, timeout=60)
    return directory


def archive(directory: Path) -> io.BytesIO:
    """Return a database as trivy publishes it: db.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as opened:
        for name in ("trivy.db", "metadata.json"):
            opened.add(directory / name, arcname=name)
    made.seek(0)
    return made
