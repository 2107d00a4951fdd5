"""The platform's task "sync the directory": read all, work out what changes, look at the brake, then change.

Looking every few minutes starts a task only where something differs, so that the list of tasks has what happened.
Nothing is changed before everything is known; any error, wherever, changes nothing.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid, NotFound, PortalError
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit, notices
from tenants.access import people_where, require
from tenants.directory import applying, comparing, sources
from tenants.directory.comparing import Diff
from tenants.directory.reading import Reader, Seen
from tenants.directory.transport import DirectoryUnavailable
from tenants.models import DirectorySource, GroupMapping, User

KIND: Final = "directory.sync"
STEPS: Final = (("directory_read", 6), ("directory_compare", 1), ("directory_apply", 3))
NAMED: Final = 20
"""So many changes are said in the task's log."""


def page_of(source: DirectorySource) -> str:
    """Return the path of the directory's page."""
    return f"/platform/directories/{source.slug}"


def ask(actor: User, source: DirectorySource, *, seen: str = "", reason: str = "") -> Operation:
    """Have a directory synced now; past the brake, for a reason, if the changes are still those that were `seen`.

    Raises Forbidden, Invalid (no reason), Conflict (a sync runs, or the directory is not in use).
    """
    require(actor, "directory.manage", None)
    reason = reason.strip()[:500]
    if seen and not reason:
        raise Invalid("error.reason_missing", field="reason")
    if not source.enabled or not sources.config_of(source):
        raise Conflict("error.directory_off", name=source.label)
    wanted: dict[str, Any] = {"seen": seen[:16], "reason": reason} if seen else {}
    with transaction.atomic():
        operation = _start(source, actor, wanted)
        audit.record(actor, "directory.sync_anyway" if seen else "directory.sync_ask", source, **wanted)
    return operation


def retry(actor: User, earlier: Operation) -> Operation:
    """Start a failed sync anew, with the brake on. Raises Forbidden, Conflict, NotFound."""
    source = DirectorySource.objects.filter(pk=earlier.subject_id).first()
    if source is None:
        raise NotFound("error.not_found")
    return ask(actor, source)


def look(source: DirectorySource) -> Operation | None:
    """Compare a directory with what is here; start a task where they differ, unless the same was stopped before."""
    try:
        diff = difference(source)
    except DirectoryUnavailable as error:
        _note_trouble(source, error, {})
        return None
    if not diff.changes:
        with transaction.atomic():
            DirectorySource.objects.filter(pk=source.pk).update(synced_at=timezone.now(), trouble={})
        return None
    if source.trouble.get("print") == fingerprint(diff):
        return None
    try:
        with transaction.atomic():
            return _start(source, None, {})
    except Conflict:
        return None  # somebody has asked for it


def difference(source: DirectorySource) -> Diff:
    """Return what a sync would change now. Raises DirectoryUnavailable, Conflict (off)."""
    mappings = comparing.mappings_of(source)
    return comparing.compare(source, _read(source, mappings), mappings)


def effect(source: DirectorySource, mappings: list[GroupMapping]) -> Diff:
    """Return what these mappings would change in place of those that are there. Raises as `difference`."""
    now = comparing.mappings_of(source)
    return comparing.effect(source, _read(source, [*now, *mappings]), now, mappings)


def _read(source: DirectorySource, mappings: Iterable[GroupMapping]) -> Seen:
    config = sources.config_of(source)
    if config is None:
        raise Conflict("error.directory_off", name=source.label)
    return Reader(config).read({one.group_dn for one in mappings})


def sync(operation: Operation) -> Turn:
    """Do all of it in one turn: a sync that was killed has changed nothing and begins anew."""
    source = DirectorySource.objects.filter(pk=operation.subject_id).first()
    if source is None:
        raise NotFound("error.not_found")
    diff = difference(source)
    operations.advance_steps(operation, {"directory_read": 1, "directory_compare": 1})
    for dn in sorted(diff.missing)[:NAMED]:
        operations.append(operation, "event.directory_group_missing", level="warning", group=dn)
    _say(operation, diff)
    if is_braked(diff) and operation.wanted.get("seen") != fingerprint(diff):
        raise Conflict("error.directory_brake", **_facts(source, diff))
    with transaction.atomic():
        operations.lock(operation)
        reason = str(operation.wanted.get("reason", ""))
        refused = applying.apply(source, diff, actor=operation.actor, reason=reason)
        operations.advance_steps(operation, {"directory_apply": 1})
        for name in sorted({*refused, *diff.refused})[:NAMED]:
            operations.append(operation, "event.directory_name_taken", level="warning", name=name)
    return Turn(done=True)


def failed(operation: Operation, error: PortalError) -> None:
    """Keep what went wrong at the directory; the brake tells the platform's administrators."""
    if source := DirectorySource.objects.filter(pk=operation.subject_id).first():
        _note_trouble(source, error, {"task": str(operation.pk), "print": error.facts.get("print", "")})


def _start(source: DirectorySource, actor: User | None, wanted: dict[str, Any]) -> Operation:
    new = operations.NewOperation(
        kind=KIND,
        subject_type="directory",
        subject_id=source.pk,
        subject_name=source.name,
        steps=STEPS,
        wanted=wanted,
        cancellable=False,
    )
    operation = operations.start(new, tenant=None, actor=actor)
    submit(operation)
    return operation


def _say(operation: Operation, diff: Diff) -> None:
    """Write into the task's log what changes: the sum, then the first people."""
    counts: dict[str, Any] = diff.counts
    operations.append(operation, "event.directory_diff", **counts)
    for row in diff.shown(NAMED):
        facts = {"name": row["username"], "gained": ", ".join(row["gained"]), "lost": ", ".join(row["lost"])}
        operations.append(operation, f"event.directory_{row['what']}", **facts)
    if (more := len(diff.changes) - NAMED) > 0:
        operations.append(operation, "event.directory_more", number=more)


def _facts(source: DirectorySource, diff: Diff) -> dict[str, Any]:
    counts = diff.counts
    return {
        "name": source.name,
        "leave": counts["leave"],
        "people": diff.people,
        "lost": counts["lost"],
        "roles": diff.roles,
        "percent": settings.PKS_DIRECTORY_BRAKE,
        "print": fingerprint(diff),
    }


def is_braked(diff: Diff) -> bool:
    """Say whether so much would go that a person has to look first."""
    return diff.too_much(settings.PKS_DIRECTORY_BRAKE)


def fingerprint(diff: Diff) -> str:
    """Return a fingerprint by which the same changes are known again."""
    rows = sorted((row["what"], row["username"], row["gained"], row["lost"]) for row in diff.shown(len(diff.changes)))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _note_trouble(source: DirectorySource, error: PortalError, more: dict[str, str]) -> None:
    """Keep the last trouble with its beginning, and tell who may do something about it when it begins."""
    before = source.trouble
    since = before.get("since") if before.get("key") == error.key else None
    said = {"key": error.key, "args": error.facts, "cause": error.cause[:500]}
    with transaction.atomic():
        now = timezone.now().isoformat()
        DirectorySource.objects.filter(pk=source.pk).update(trouble={**said, **more, "since": since or now})
        if since is None or more.get("print", "") != before.get("print", ""):
            kind = "directory.brake" if error.key == "error.directory_brake" else "directory.trouble"
            admins = people_where("directory.manage", None)
            notices.tell(kind, to=admins, link=page_of(source), name=source.name, reason=error.said)
