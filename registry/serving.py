"""The configuration of the registry that holds the bytes: CNCF distribution, 2.8 (Debian's) and 3.x alike.

It listens on loopback, trusts tokens under the portal's authority, and tells nobody what happens: the gateway, through
which everything goes, writes that down itself. Reference: distribution's "Configuring a registry".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ISSUER: Final = "pks-portal"
SERVICE: Final = "pks-registry"
UPLOADS_KEPT: Final = "168h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a registry is to run. `storage`: distribution's own section, such as {"filesystem": {"rootdirectory": …}}."""

    port: int
    public_url: str
    authority: Path
    secret: str
    storage: Mapping[str, Any]
    host: str = "127.0.0.1"

    def text(self) -> str:
        """Return the configuration file; it holds a secret."""
        storage = {
            **self.storage,
            "delete": {"enabled": True},
            "redirect": {"disable": True},  # bytes come through us: clients need not reach, nor know, the storage
            "maintenance": {
                "uploadpurging": {"enabled": True, "age": UPLOADS_KEPT, "interval": "24h", "dryrun": False}
            },
        }
        whole = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
            "storage": storage,
            "http": {"addr": f"{self.host}:{self.port}", "secret": self.secret, "relativeurls": True},
            "auth": {
                "token": {
                    "realm": f"{self.public_url}/service/token",
                    "service": SERVICE,
                    "issuer": ISSUER,
                    "rootcertbundle": str(self.authority),
                }
            },
        }
        return yaml.safe_dump(whole, sort_keys=False)


def storage(said: str, directory: Path) -> dict[str, Any]:
    """Return where the bytes go: distribution's own storage section, given as JSON; without one, a directory.

    Raises ValueError with what is expected.
    """
    if not said:
        return on_disk(directory)
    try:
        section = json.loads(said)
    except ValueError:
        section = None
    if not isinstance(section, dict) or len(section) != 1:
        raise ValueError('PKS_REGISTRY_STORAGE is one section as JSON: {"s3": {"region": …, "bucket": …}}.')
    return dict(section)


def on_disk(directory: Path) -> dict[str, Any]:
    """Return the storage section for a directory; large layers are hashed once, as they come."""
    return {"filesystem": {"rootdirectory": str(directory), "maxthreads": 100}}
