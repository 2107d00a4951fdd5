"""The table of action × role in docs/roles.md, from the policy itself."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tenants.access import ROLES_FOR
from tenants.models import PlatformRole, Role
from tenants.scopes import scope_of

PAGE: Final = Path(settings.BASE_DIR) / "docs" / "roles.md"
BEGIN, END = "<!-- begin of the table: manage.py role_table --write -->", "<!-- end of the table -->"
ROLES: Final = (*Role.values, *PlatformRole.values)


class Command(BaseCommand):
    help = "Print the table of action × role; with --write, put it into docs/roles.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="change docs/roles.md")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["write"]:
            self.stdout.write(table())
            return
        before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


def table() -> str:
    """Return the table in Markdown: a row for each action, a column for each role and for the scope of tokens."""
    head = ["action", *ROLES, "token scope"]
    rows = [[f"`{action}`", *_marks(action), str(scope_of(action) or "none")] for action in sorted(ROLES_FOR)]
    lines = [head, ["---", *[":-:"] * len(ROLES), "---"], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _marks(action: str) -> list[str]:
    return ["✓" if role in ROLES_FOR[action] else "" for role in ROLES]
