"""The real cosign and crane, built from tools/registry-clients and kept in build/: the portal itself needs neither.

`python -m tests.real.registry.clients` builds them beforehand: about six minutes on two cores at the lowest priority,
and nothing where they are there already.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from clusters.engines.local.gotool import Go
from pks_portal import files, paths

TOOLS = paths.CHECKOUT / "tools" / "registry-clients"
PACKAGES = {
    "cosign": "github.com/sigstore/cosign/v3/cmd/cosign",
    "crane": "github.com/google/go-containerregistry/cmd/crane",
}
SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Clients:
    """The programs' absolute paths."""

    cosign: Path
    crane: Path


def built() -> Clients:
    """Return the clients, built where they are not there yet; waits for another process that builds them.

    They lie in a directory that is named after go.mod and go.sum, so another version is built beside the old one.
    Raises BinariesUnusable (no Go toolchain) and GoFailed.
    """
    locks = b"".join((TOOLS / name).read_bytes() for name in ("go.mod", "go.sum"))
    folder = paths.CHECKOUT / "build" / "registry-clients" / hashlib.sha256(locks).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        found = {name: _built(folder / name, package) for name, package in PACKAGES.items()}
    return Clients(**found)


def _built(program: Path, package: str) -> Path:
    if not program.exists():
        part = program.with_suffix(".part")
        flags = ("-p", "1", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w")
        Go.find(paths.cache(), lambda: False).run("build", *flags, "-o", str(part), package, cwd=TOOLS, seconds=SECONDS)
        part.replace(program)
    return program


if __name__ == "__main__":
    made = built()
    sys.stdout.write(f"{made.cosign}\n{made.crane}\n")
