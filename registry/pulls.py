"""Pulls in the audit trail: counted by the hour, who what and how often, so that a busy cluster does not flood it.

Each pull is counted in the database at once, so none is lost when a process dies.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from pks_portal.messages import say
from registry.models import Artifact, PullTally, Repository
from registry.tokens.signing import Claims
from tenants import audit

AT_ONCE: Final = 500
NOBODY: Final = "anonymous"


def tally(artifact: Artifact, claims: Claims, *, reason: str = "") -> None:
    """Count a pull, or a refusal by its key."""
    now = timezone.now()
    key = {
        "hour": now.replace(minute=0, second=0, microsecond=0), "repository": artifact.repository,
        "digest": artifact.digest, "by": (claims.subject or NOBODY)[:200], "reason": reason[:60],
    }  # fmt: skip
    row, made = PullTally.objects.get_or_create(**key, defaults={"first_at": now, "last_at": now})
    if not made:
        PullTally.objects.filter(pk=row.pk).update(count=F("count") + 1, last_at=now)


def write() -> int:
    """Bring the tallies of the hours that are over into the audit trail; return how many."""
    over = timezone.now() - timedelta(hours=1)
    return _written(PullTally.objects.filter(hour__lte=over))


def write_of(repository: Repository) -> None:
    """Bring a repository's tallies into the audit trail: it is about to go."""
    while _written(PullTally.objects.filter(repository=repository)):
        pass


@transaction.atomic
def _written(tallies: "QuerySet[PullTally]") -> int:
    rows = list(
        tallies.select_for_update(of=("self",), skip_locked=True)
        .select_related("repository__project__tenant")
        .order_by("hour", "pk")[:AT_ONCE]
    )
    for row in rows:
        facts = {"digest": row.digest, "by": row.by, "count": row.count, "first": row.first_at, "last": row.last_at}
        if row.reason:
            facts["reason"] = say(row.reason).stored()
        deed = "registry.refused" if row.reason else "registry.pulls"
        audit.record(None, deed, row.repository, tenant=row.repository.project.tenant, **facts)
    PullTally.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
