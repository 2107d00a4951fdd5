"""The real cosign, crane and an S3 server, built from tools/ and kept in build/: the portal itself needs none of them.

`python -m tests.real.registry.clients` builds them beforehand: about seven minutes on two cores at the lowest priority,
and nothing where they are there already.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from clusters.engines.local.gotool import Go
from pks_portal import files, paths

TOOLS = paths.CHECKOUT / "tools"
COSIGN = "github.com/sigstore/cosign/v3/cmd/cosign"
CRANE = "github.com/google/go-containerregistry/cmd/crane"
S3_SERVER = "github.com/versity/versitygw/cmd/versitygw"
SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Clients:
    """The programs' absolute paths."""

    cosign: Path
    crane: Path


def built() -> Clients:
    """Return the clients, built where they are not there yet. Raises as `tool`."""
    return Clients(cosign=tool("registry-clients", COSIGN), crane=tool("registry-clients", CRANE))


def s3_server() -> Path:
    """Return versitygw, which serves a directory as S3. Raises as `tool`."""
    return tool("s3-server", S3_SERVER)


def tool(name: str, package: str) -> Path:
    """Return a program of a module in tools/; waits for another process that builds it.

    It lies in a directory that is named after go.mod and go.sum, so another version is built beside the old one.
    Raises BinariesUnusable (no Go toolchain) and GoFailed.
    """
    module = TOOLS / name
    locks = b"".join((module / file).read_bytes() for file in ("go.mod", "go.sum"))
    folder = paths.CHECKOUT / "build" / name / hashlib.sha256(locks).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        return _built(module, folder / package.rpartition("/")[2], package)


def _built(module: Path, program: Path, package: str) -> Path:
    if not program.exists():
        part = program.with_suffix(".part")
        flags = ("-p", "1", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w")
        Go.find(paths.cache(), lambda: False).run(
            "build", *flags, "-o", str(part), package, cwd=module, seconds=SECONDS
        )
        part.replace(program)
    return program


if __name__ == "__main__":
    made = built()
    sys.stdout.write(f"{made.cosign}\n{made.crane}\n{s3_server()}\n")
