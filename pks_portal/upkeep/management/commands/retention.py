"""Say what is kept for how long, how much of it there is, and what is due to go."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from pks_portal.upkeep.retention import Kept, kept


class Command(BaseCommand):
    help = "Say what the portal keeps for how long, how many rows there are, the oldest, and how many are due to go."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *, json: bool, **_options: Any) -> None:
        for line in [_json()] if json else [_line(one) for one in kept()]:
            self.stdout.write(line)


def _line(one: Kept) -> str:
    oldest = f"{'ends' if one.ends else 'made'} {one.oldest:%F %T}" if one.oldest else "-"
    rows = f"{one.rows:>9} rows  {oldest:>24}  {one.due:>6} due"
    return f"{one.name!s:<46} {_span(one.hours):>9}  {rows}  {one.setting}".rstrip()


def _span(hours: int) -> str:
    """Return a span in days, or in hours where it is not whole days; 0: for ever."""
    if not hours:
        return "for ever"
    days, rest = divmod(hours, 24)
    return f"{hours} h" if rest else f"{days} d"


def _json() -> str:
    return json.dumps([asdict(one) for one in kept()], cls=DjangoJSONEncoder, ensure_ascii=False)
