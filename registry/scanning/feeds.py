"""Take in OSV records from a ZIP, as osv.dev publishes them (one for each ecosystem), or a single JSON record."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import IO, Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify

from pks_portal.errors import Invalid
from pks_portal.text import impossible
from registry.models import Advisory, AdvisoryFeed
from registry.scanning import osv

LARGEST_RECORD: Final = 4 * 1024 * 1024
MOST: Final = 1_000_000
BATCH: Final = 1000


@transaction.atomic
def take_in(archive: IO[bytes], name: str, by: str) -> AdvisoryFeed:
    """Replace a feed by the records of an archive, whole or not at all. Raises Invalid (no sound record in it)."""
    feed, _made = AdvisoryFeed.objects.update_or_create(
        slug=slugify(name)[:40] or "feed",
        defaults={"name": name[:120], "updated_at": timezone.now(), "taken_at": timezone.now(), "taken_by": by},
    )
    Advisory.objects.filter(feed=feed).delete()
    newest, ecosystems, records = _kept(feed, archive)
    if newest is None:
        raise Invalid("error.database_wrong", field="file", reason="no OSV record in it")
    feed.updated_at = min(newest, timezone.now())  # one of the future would never grow old
    feed.ecosystems, feed.records = sorted(ecosystems), records
    archive.seek(0)
    feed.digest = f"sha256:{_digest(archive)}"
    feed.save()
    return feed


def _digest(archive: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := archive.read(LARGEST_RECORD):
        digest.update(piece)
    return digest.hexdigest()


def _kept(feed: AdvisoryFeed, archive: IO[bytes]) -> tuple[datetime | None, set[str], int]:
    newest: datetime | None = None
    ecosystems: set[str] = set()
    records, batch = 0, []
    for record in _records(archive):
        modified = parse_datetime(str(record.get("modified") or ""))
        if modified is None or timezone.is_naive(modified):
            raise Invalid("error.database_wrong", field="file", reason=f"{record.get('id')}: “modified” is no time")
        newest, records = max(newest or modified, modified), records + 1
        for ecosystem, package in _packages(record):
            ecosystems.add(ecosystem)
            kept = {"ecosystem": ecosystem, "package": package[:200], "record": str(record["id"])[:60]}
            batch.append(Advisory(feed=feed, document=record, **kept))
        if len(batch) >= BATCH:
            Advisory.objects.bulk_create(batch)
            batch = []
    Advisory.objects.bulk_create(batch)
    return newest, ecosystems, records


def _packages(record: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for one in record.get("affected") or []:
        package = one.get("package") or {}
        if ecosystem := osv.release(str(package.get("ecosystem") or ""))[:60]:
            found.add((ecosystem, osv.normal(ecosystem, str(package.get("name")))))
    return found


def _records(archive: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the records of a ZIP, or the one of a JSON file. Raises Invalid."""
    try:
        if not zipfile.is_zipfile(archive):
            archive.seek(0)
            yield _record(archive.read(LARGEST_RECORD + 1))
            return
        with zipfile.ZipFile(archive) as opened:
            entries = [one for one in opened.infolist() if one.filename.endswith(".json")]
            if len(entries) > MOST:
                raise Invalid("error.database_wrong", field="file", reason=f"more than {MOST} records")
            for entry in entries:
                if entry.file_size > LARGEST_RECORD:  # to leave one out would be to call clean what it is about
                    raise Invalid("error.database_wrong", field="file", reason=f"{entry.filename} is too large")
                yield _record(opened.read(entry))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise Invalid("error.database_wrong", field="file", reason=f"{type(error).__name__}: {error}"[:200]) from None


def _record(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid("error.database_wrong", field="file", reason="not JSON") from None
    if not isinstance(said, dict) or not osv.well_formed(said) or impossible(said):
        raise Invalid("error.database_wrong", field="file", reason="not an OSV record")
    return said
