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
    span = f"{one.span.total_seconds() / 86400:g} d" if one.span else "for ever"
    oldest = f"{one.oldest:%F %T}" if one.oldest else "-"
    return f"{one.name!s:<46} {span:>9}  {one.rows:>9} rows  {oldest:>19}  {one.due:>6} due  {one.setting}".rstrip()


def _json() -> str:
    return json.dumps([asdict(one) for one in kept()], cls=DjangoJSONEncoder, ensure_ascii=False)
