"""Write a backup of the portal, or check one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pks_portal.keyring import KeyRingError
from pks_portal.upkeep import archive, backups
from pks_portal.upkeep.databases import DatabaseError
from pks_portal.upkeep.encryption import ArchiveError
from pks_portal.upkeep.passphrase import passphrase


class Command(BaseCommand):
    help = "Write the database, the keys and the clusters' certificate authorities into one encrypted file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--passphrase-file", type=Path, help="else PKS_BACKUP_PASSPHRASE, else asked")
        parser.add_argument("--no-clusters", action="store_true", help="leave the clusters' authorities out")
        parser.add_argument("--check", action="store_true", help="read an existing backup to its end")

    def handle(self, *, file: Path, check: bool, no_clusters: bool, **options: Any) -> None:
        try:
            phrase = passphrase(options["passphrase_file"], new=not check)
            facts = archive.check(file, phrase) if check else backups.make(file, phrase, clusters=not no_clusters)
        except FileExistsError as error:
            raise CommandError(f"{file} is there already.") from error
        except (ArchiveError, DatabaseError, KeyRingError, OSError) as error:
            raise CommandError(str(error)) from error
        size = file.stat().st_size / 1e6
        self.stdout.write(
            f"{file}: {len(facts['files'])} files, {size:.1f} MB, of {facts['at']}, release {facts['release']}"
        )
