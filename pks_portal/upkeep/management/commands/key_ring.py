"""The key ring: make it, list its keys, seal under a new one, drop old ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pks_portal import files, keyring, paths
from pks_portal.keyring import KeyRing, KeyRingError
from pks_portal.upkeep import sealing


class Command(BaseCommand):
    help = "Make, list, rotate or prune the key ring that seals secrets at rest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = {
            "create": "make a ring where there is none",
            "list": "say which key seals, and how many secrets each key opens",
            "rotate": "put a new key in front and seal everything anew with it; killed, go on with: seal",
            "prune": "drop the keys that open nothing any more",
            "seal": "seal everything anew that is not under the active key, also what an older release left in plain",
        }
        actions = parser.add_subparsers(dest="action", required=True)
        for name, text in words.items():
            actions.add_parser(name, help=text)

    def handle(self, *, action: str, **_options: Any) -> None:
        try:
            getattr(self, f"_{action}")()
        except KeyRingError as error:
            raise CommandError(str(error)) from error

    def _create(self) -> None:
        path = keyring.file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ring = keyring.create(path)
        self.stdout.write(f"{path}: key {ring.active} seals. Keep a copy apart from the database's backups.")

    def _list(self) -> None:
        ring, used = keyring.ring(), sealing.used(paths.data())
        for name in ring.keys:
            seals = "  seals" if name == ring.active else ""
            self.stdout.write(f"{name:<6}opens {used.pop(name, 0)}{seals}")
        if plain := used.pop("", 0):
            self.stdout.write(f"{plain} in plain: manage.py key_ring seal")
        if used:
            raise CommandError(f"No key in the ring opens {used.total()} secrets; they need: {', '.join(sorted(used))}")

    def _rotate(self) -> None:
        self._write(keyring.ring().renewed())
        self._seal()

    def _seal(self) -> None:
        active = keyring.ring().active
        for name, count in sealing.renew(paths.data()).items():
            self.stdout.write(f"{count:>7} {name}")
        self.stdout.write(f"Everything is sealed with {active}.")

    def _prune(self) -> None:
        ring, used = keyring.ring(), sealing.used(paths.data())
        if used.pop("", 0):
            raise CommandError("Something lies in plain; seal it first: manage.py key_ring seal")
        kept = KeyRing({name: key for name, key in ring.keys.items() if name == ring.active or used[name]})
        gone = [name for name in ring.keys if name not in kept.keys]
        if gone:
            self._write(kept)
        self.stdout.write(f"Dropped {', '.join(gone)}." if gone else "Every key still opens something.")

    def _write(self, ring: KeyRing) -> None:
        path = keyring.file()
        if not path.exists():
            raise CommandError("The ring is in PKS_KEY_RING, not in a file; change it there and run: key_ring seal")
        files.write(path, ring.text(), durable=True)
