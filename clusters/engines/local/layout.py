"""Where everything of a cluster lies on disk, and how it is written there.

A cluster is one directory. Its processes start inside it and use paths relative to it only, so that no directory above
needs to be open to the user they run as, and a checkout under /root (0700) works:

    <root>/clusters/<id>/                0711, the portal's
        cluster.json                     what was settled when the cluster was made (Facts)
        pki/                             0700, the cluster's: what its processes need
        secrets/                         0700, the portal's: CA keys, administrator's certificate
        etcd-<m>/                        0700, the cluster's: the data of member m
        bin/                             hard links to the programs of its version
        log/  haproxy.cfg  door.sock     the portal's
        authentication.json  kwok.yaml   read by the processes
        leaving.json                     nodes that a scale-down takes away
        removing                         once here, the cluster is only ever removed; the steps that are done
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from pks_portal.files import write


def make_directory(path: Path, *, mode: int, owner: int | None = None) -> None:
    """Make a directory, or put the mode and owner of an existing one right."""
    path.mkdir(parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
    if owner is not None and path.stat().st_uid != owner:
        os.chown(path, owner, owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is settled once, when a cluster is made. `slot` gives its addresses, `owner` is the user of its processes.

    `owner` is None where the portal does not run as root: then the processes run as the portal's own user.
    """

    id: str
    name: str
    version: str
    members: int
    slot: int
    isolated: bool
    owner: int | None
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one cluster."""

    root: Path
    id: UUID

    @property
    def home(self) -> Path:
        return self.root / "clusters" / str(self.id)

    @property
    def pki(self) -> Path:
        return self.home / "pki"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def leaving(self) -> Path:
        return self.home / "leaving.json"

    @property
    def removing(self) -> Path:
        return self.home / "removing"

    @property
    def exists(self) -> bool:
        return self.home.is_dir()

    def facts(self) -> Facts | None:
        """Return what was settled, or None while nothing is."""
        try:
            return Facts(**json.loads((self.home / "cluster.json").read_text()))
        except FileNotFoundError:
            return None

    def settle(self, facts: Facts) -> None:
        """Make the directories and, last, write the facts: from then on the cluster is known."""
        make_directory(self.home, mode=0o711)
        make_directory(self.home / "log", mode=0o700)
        make_directory(self.bin, mode=0o755)
        for member in range(1, facts.members + 1):
            make_directory(self.home / f"etcd-{member}", mode=0o700, owner=facts.owner)
        write(self.home / "cluster.json", json.dumps(asdict(facts), indent=1))


def grown(home: Path) -> bool:
    """Tell whether a cluster has taken its memory: kwok is started last, once the API has answered, and has a log."""
    return (home / "log" / "kwok.log").exists()


def every(root: Path) -> Iterator[Layout]:
    """Yield the layout of each cluster that has a directory under the data directory."""
    clusters = root / "clusters"
    for entry in sorted(clusters.iterdir()) if clusters.is_dir() else ():
        try:
            yield Layout(root, UUID(entry.name))
        except ValueError:
            continue
