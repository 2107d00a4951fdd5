"""The issuer's signing keys: make the first, list, rotate, prune."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants import audit
from tenants.issuer import signing
from tenants.models import SigningKey


class Command(BaseCommand):
    help = "Make, list, rotate or prune the keys with which the portal signs who somebody is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("create", help="make the first key where there is none")
        actions.add_parser("list", help="say which key signs, which waits, which ends when")
        actions.add_parser("rotate", help="publish a new key now; it signs once every API server knows it")
        actions.add_parser("prune", help="drop keys of which no valid token is left")

    def handle(self, *, action: str, **_options: Any) -> None:
        match action:
            case "create":
                signing.ensure()
            case "rotate":
                audit.record(None, "issuer.rotate", signing.rotate())
            case "prune":
                self.stdout.write(f"{signing.prune()} dropped")
        self._list()

    def _list(self) -> None:
        now = timezone.now()
        rows = list(SigningKey.objects.all())
        using = max((row for row in rows if row.not_before <= now), key=lambda row: row.not_before, default=None)
        for row in rows:
            state = "signs" if row is using else "waits" if row.not_before > now else "old"
            until = f" until {row.expires_at:%F %T}" if row.expires_at else ""
            self.stdout.write(f"{row.pk}  {state:<5}  from {row.not_before:%F %T}{until}")
