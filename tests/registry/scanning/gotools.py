"""Go programs of tools/ that tests of scanning need, kept in build/."""

import hashlib
from pathlib import Path

from clusters.engines.local.gotool import Go
from pks_portal import files, paths

SECONDS = 600


def built(name: str) -> Path:
    """Return a program; built once for a state of its source. Raises BinariesUnusable (no Go toolchain), GoFailed."""
    module = paths.CHECKOUT / "tools" / name
    source = b"".join((module / file).read_bytes() for file in ("go.mod", "go.sum", "main.go"))
    folder = paths.CHECKOUT / "build" / name / hashlib.sha256(source).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        if not (made := folder / name).exists():
            go = Go.find(paths.cache(), lambda: False)
            go.run("build", "-trimpath", "-buildvcs=false", "-o", str(made), ".", cwd=module, seconds=SECONDS)
    return made
