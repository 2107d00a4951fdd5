"""The image registry of the default set: Debian's docker-registry on loopback, its data beside the rest, or in S3."""

from pathlib import Path

from pks_portal import env
from pks_portal.default_set.place import Place, write
from pks_portal.default_set.words import SetError
from registry.serving import Serving, storage


def configure(place: Place, port: int, secret: str, public_url: str) -> Path:
    """Write the configuration and return its file. Raises SetError (PKS_REGISTRY_STORAGE cannot be read)."""
    try:
        kept = storage(env.text("PKS_REGISTRY_STORAGE", ""), place.data / "registry")
    except (OSError, ValueError) as error:
        raise SetError(str(error)) from None
    serving = Serving(
        port=port,
        public_url=public_url,
        authority=place.data / "issuer" / "ca.pem",
        secret=secret,
        storage=kept,
    )
    write(file := place.run / "registry.yml", serving.text())
    return file
