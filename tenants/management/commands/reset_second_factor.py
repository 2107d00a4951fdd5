"""Help for who has lost phone, key and recovery codes: they sign in by the password once, and add a new factor."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import resetting
from tenants.models import User


class Command(BaseCommand):
    help = "Remove a person's second factors and end their sessions; make sure first that it is them who asks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="for the audit trail: who asked, and how you knew them")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username__iexact=options["username"], kind=User.Kind.PERSON).first()
        if user is None:
            raise CommandError(f"There is nobody named {options['username']}.")
        count = resetting.remove(user, by=None, reason=options["reason"])
        self.stdout.write(f"{user.username} has no second factor any more; {count} removed, all sessions ended.")
