"""A database for trivy out of the tests' own advisories, made by tools/trivy-db."""

import hashlib
import io
import subprocess
import tarfile
from datetime import datetime
from pathlib import Path

from clusters.engines.local.gotool import Go
from pks_portal import files, paths

TOOL = paths.CHECKOUT / "tools" / "trivy-db"
ADVISORIES = sorted((Path(__file__).parent / "advisories").glob("*.json"))
SECONDS = 600


def program() -> Path:
    """Return the built tool; built once for a state of its source."""
    source = b"".join((TOOL / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    folder = paths.CHECKOUT / "build" / "trivy-db" / hashlib.sha256(source).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        if not (made := folder / "trivy-db").exists():
            go = Go.find(paths.cache(), lambda: False)
            go.run("build", "-trimpath", "-buildvcs=false", "-o", str(made), ".", cwd=TOOL, seconds=SECONDS)
    return made


def database(directory: Path, updated_at: datetime) -> Path:
    """Make trivy.db and metadata.json in a directory and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    stamp = updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    subprocess.run([str(program()), str(directory), stamp, *map(str, ADVISORIES)], check=True, timeout=60)
    return directory


def archive(directory: Path) -> io.BytesIO:
    """Return a database as trivy publishes it: db.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as opened:
        for name in ("trivy.db", "metadata.json"):
            opened.add(directory / name, arcname=name)
    made.seek(0)
    return made
