"""What the outside provider has to be told about this portal."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Print the outside provider's id here and the address to which it sends people back."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SSO:
            raise CommandError("There is no outside provider: set PKS_SSO_ISSUER and PKS_SSO_CLIENT_ID.")
        self.stdout.write(f"issuer    {settings.SSO['issuer']}")
        self.stdout.write(f"redirect  {settings.PUBLIC_URL}/accounts/sso/{settings.SSO['id']}/callback/")
