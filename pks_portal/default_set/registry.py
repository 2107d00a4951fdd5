"""The image registry of the default set: Debian's docker-registry on loopback, its data beside the rest."""

from pathlib import Path

from pks_portal.default_set.place import Place, write
from registry.serving import Serving, on_disk


def configure(place: Place, port: int, secret: str, public_url: str) -> Path:
    """Write the configuration and return its file."""
    serving = Serving(
        port=port,
        public_url=public_url,
        authority=place.data / "issuer" / "ca.pem",
        secret=secret,
        storage=on_disk(place.data / "registry"),
    )
    write(file := place.run / "registry.yml", serving.text())
    return file
