"""Bring a backup into an empty place."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pks_portal import paths
from pks_portal.upkeep import backups
from pks_portal.upkeep.backups import RestoreRefused
from pks_portal.upkeep.databases import DatabaseError
from pks_portal.upkeep.encryption import ArchiveError
from pks_portal.upkeep.passphrase import passphrase


class Command(BaseCommand):
    help = "Bring a backup into an empty data directory and an empty database; then start the portal, which migrates."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", type=Path, help="else PKS_BACKUP_PASSPHRASE, else asked")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            facts = backups.restore(file, passphrase(options["passphrase_file"]))
        except (ArchiveError, DatabaseError, RestoreRefused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored {len(facts['files'])} files of {facts['at']} into {paths.data()}.")
        if (apart := paths.data() / backups.KEPT_APART / "clusters").exists():
            count = len(list(apart.iterdir()))
            self.stdout.write(f"The certificate authorities of {count} clusters without data here lie in {apart}.")
