"""Settle the pushes that a process left in the middle: the registry says which way each went."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import PortalError, Unavailable
from registry import followed, recording
from registry.manifests import read
from registry.models import Push, Removed, TagChange
from registry.names import Name, is_tag
from registry.upkeep.store import Store, opened

log = logging.getLogger(__name__)
LEFT_AFTER: Final = timedelta(minutes=2)
"""No gateway works on one push for so long."""
AT_ONCE: Final = 50


@dataclass(slots=True)
class Settled:
    """How many pushes were finished, and how many came to nothing."""

    finished: int = 0
    abandoned: int = 0


def settle() -> Settled:
    """Finish or abandon the oldest pushes that were left; one that cannot be settled waits. Raises Unavailable."""
    rows = Push.objects.filter(started_at__lt=timezone.now() - LEFT_AFTER, project__tenant__archived_at=None)
    left = list(rows.select_related("project__tenant").order_by("started_at")[:AT_ONCE])
    done = Settled()
    if not left:
        return done
    with opened() as store:
        for push in left:
            _settle(store, push, done)
    return done


def _settle(store: Store, push: Push, done: Settled) -> None:
    try:
        if (reference := _taken(store, push)) is None:
            recording.abandon(push)
            done.abandoned += 1
        else:
            _finish(store, push, reference)
            done.finished += 1
    except Unavailable:
        raise
    except PortalError as error:
        log.warning("The push %s of %s cannot be settled: %s", push.pk, push, error.key)


def _taken(store: Store, push: Push) -> str | None:
    """Return under which reference the registry has a push; None where it has not, or it was deleted since.

    A tag that was set or taken away since then stays what it is: the push only brings its digest.
    """
    name = str(_name(push))
    if Removed.objects.filter(repository=name, digest=push.digest, at__gte=push.started_at).exists():
        return None
    if is_tag(push.reference) and not _moved_on(push) and store.digest(name, push.reference) == push.digest:
        return push.reference
    return push.digest if store.digest(name, push.digest) else None


def _moved_on(push: Push) -> bool:
    rows = TagChange.objects.filter(repository__project=push.project_id, repository__name=push.repository)
    return rows.filter(name=push.reference, at__gte=push.started_at).exclude(digest=push.digest).exists()


def _finish(store: Store, push: Push, reference: str) -> None:
    name = str(_name(push))
    manifest = store.unmasked(name, read(bytes(push.manifest), push.media_type, push.reference))
    config = store.facts(name, manifest)
    push.reference = reference
    with transaction.atomic():
        artifact = recording.finish(push, manifest, config)
        followed.pushed(artifact, push)


def _name(push: Push) -> Name:
    return Name(push.project.name, push.repository)
