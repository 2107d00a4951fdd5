"""Certificate and configuration of the issuer's https listener, for whoever runs haproxy with them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pks_portal.default_set import issuer, place
from pks_portal.default_set.words import SetError
from pks_portal.keyring import KeyRingError


class Command(BaseCommand):
    help = (
        "Write the configuration of the https listener at which clusters ask the issuer (PKS_ISSUER_PORT of the "
        "loopback), and its certificate where that is missing or ends soon; then start anew: haproxy -db -f FILE"
    )
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        try:
            here = place.here()
            here.run.mkdir(mode=0o700, parents=True, exist_ok=True)
            file, certificate = issuer.configure(here, settings.ISSUER_PORT)
        except (SetError, KeyRingError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file} with {certificate}; clusters trust {certificate.with_name('ca.pem')}")
