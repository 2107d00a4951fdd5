"""`manage.py registry_server`: write the configuration with which the registry that holds the bytes is run."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pks_portal import authority, files, paths
from pks_portal.keyring import KeyRingError
from registry.serving import Serving, storage
from registry.tokens.signing import LEAF


class Command(BaseCommand):
    help = (
        "Write the configuration of the image registry (PKS_REGISTRY_URL, _SECRET, _STORAGE) and "
        "the certificate that signs its tokens; then start anew: docker-registry serve FILE"
    )
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        parts = urlsplit(settings.REGISTRY_URL)
        if len(settings.REGISTRY_SECRET) < 32:  # noqa: PLR2004 - what distribution asks of every replica
            raise CommandError("Set PKS_REGISTRY_SECRET (or PKS_REGISTRY_SECRET_FILE): at least 32 random characters.")
        try:
            authority.leaf(paths.data(), LEAF)
            file = Path(settings.REGISTRY_CONFIG)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            serving = Serving(
                host=parts.hostname or "127.0.0.1",
                port=parts.port or 5001,
                public_url=settings.PUBLIC_URL,
                authority=paths.data() / "issuer" / "ca.pem",
                secret=settings.REGISTRY_SECRET,
                storage=storage(settings.REGISTRY_STORAGE, paths.data() / "registry"),
            )
            files.write(file, serving.text())
        except (KeyRingError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(file))
