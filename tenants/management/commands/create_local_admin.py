"""A platform administrator who does not need the directory: for the first day and for its outages."""

import getpass
import sys
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from tenants import audit
from tenants.models import PlatformGrant, PlatformRole, Source, User

SHORTEST = 14
RESERVED = {"portal", "pks", "system", "service", "worker", "anonymous"}


class Command(BaseCommand):
    help = "Make a local platform administrator, or give an existing one a new password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--password-file", help="read the password from this file (- for standard input)")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"].strip().lower()
        user = User.objects.filter(username__iexact=name).first() or User(username=name)
        if name in RESERVED:
            raise CommandError(f"{name} stands for the portal itself in the audit trail; choose another name.")
        if user.directory_id:
            raise CommandError(f"{name} is a person of the directory; choose another name.")
        password = _password(options["password_file"])
        try:
            user.full_clean(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if len(password) < SHORTEST:
            raise CommandError(f"The password must have at least {SHORTEST} characters.")
        with transaction.atomic():
            user.set_password(password)
            user.is_active = True
            user.save()
            PlatformGrant.objects.get_or_create(
                user=user,
                role=PlatformRole.PLATFORM_ADMIN,
                source=Source.MANUAL,
                defaults={"via": "create_local_admin"},
            )
            audit.record(None, "user.local_admin", user)
        self.stdout.write(f"{name} can now sign in, also while the directory is away.")


def _password(file: str | None) -> str:
    """Return the password from a file, standard input or, on a terminal, two prompts; never from an argument."""
    if file:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return text.rstrip("\n")
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask on; use --password-file.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise CommandError("The two passwords differ.")
    return password
