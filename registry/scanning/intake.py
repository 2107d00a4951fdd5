"""Take in what an administrator uploads to judge by, and give out what is known of an image."""

import json
import tempfile
from typing import IO, Any, Final

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Invalid, NotFound
from registry.models import Artifact, Sbom
from registry.scanning import databases, feeds, rejudging
from registry.scanning.matcher import FEED, Matcher
from registry.scanning.port import Database
from tenants import audit
from tenants.access import require
from tenants.models import User

LARGEST: Final = 2 * 1024**3
PIECE: Final = 1024 * 1024
KINDS: Final = (databases.TRIVY, FEED)
FORMATS: Final = ("cyclonedx", "spdx")


def take_in(actor: User, kind: str, stream: Any, *, name: str = "") -> Database:
    """Take in a database whole or not at all, have all images judged anew, and return its state.

    Raises Forbidden, NotFound (no such kind), Invalid (none, too large, or not sound).
    """
    require(actor, "scanner.manage", None)
    if kind not in KINDS:
        raise NotFound("error.not_found")
    with tempfile.TemporaryFile() as kept:
        _receive(stream, kept)
        if kind == FEED:
            feeds.take_in(kept, name or "OSV", actor.username)
            state = Matcher().database(timezone.now())
        else:
            state = databases.take_in(kept)
    with transaction.atomic():
        audit.record(
            actor, "scanner.database", audit.Thing("database", kind, kind),
            records=state.records, sources=list(state.sources), updated=state.updated_at,
        )  # fmt: skip
        rejudging.soon()
    return state


def _receive(stream: Any, into: IO[bytes]) -> None:
    size = 0
    while stream is not None and (piece := stream.read(PIECE)):
        size += len(piece)
        if size > LARGEST:
            raise Invalid("error.database_large", field="file", most=LARGEST // PIECE)
        into.write(piece)
    if not size:
        raise Invalid("error.database_wrong", field="file", reason="an empty file")
    into.seek(0)


def sbom_document(artifact: Artifact, form: str) -> dict[str, Any]:
    """Return what an image consists of. Raises NotFound (not scanned yet), Invalid (no such form)."""
    if form not in FORMATS:
        raise Invalid("error.sbom_format", field="form", known=", ".join(FORMATS))
    kept = Sbom.objects.filter(artifact=artifact).first()
    text = (kept.spdx if form == "spdx" else kept.cyclonedx) if kept else ""
    if not text:
        raise NotFound("error.sbom_absent")
    document: dict[str, Any] = json.loads(text)
    return document
