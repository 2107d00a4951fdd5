"""`manage.py seed_registry`: give every tenant its first project. May be run again."""

from typing import Any

from django.core.management.base import BaseCommand

from registry import projects


class Command(BaseCommand):
    help = "Give every tenant its first project."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{projects.provide()} projects made.")
