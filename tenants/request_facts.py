"""What one who decides on a request should know: use and limits, the last 30 days, room, and what a part would do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pks_portal import messages
from tenants import holdings, quotas
from tenants.access import tenants_where
from tenants.capacity import Capacity, capacity
from tenants.models import QuotaRequest, User

OTHERS_SHOWN = 20
MORE = {"key": "quota.more", "args": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The facts. `lines`: each kind with its limit now; `trend`: see quotas.trend; `waiting`: other open requests."""

    lines: Sequence[quotas.Line]
    trend: Mapping[str, Sequence[int | None]]
    capacity: Sequence[Capacity]
    waiting: Sequence[QuotaRequest]


def context(request: QuotaRequest, user: User) -> Context:
    """Return the facts about a request, as far as the user may see them."""
    return Context(
        lines=quotas.lines(request.tenant),
        trend=quotas.trend(request.tenant),
        capacity=capacity(request),
        waiting=_waiting(request, user),
    )


def _waiting(request: QuotaRequest, user: User) -> list[QuotaRequest]:
    """Return the other open requests: those of the tenant, then those that want room in the same place."""
    rows = QuotaRequest.objects.filter(status=QuotaRequest.Status.PENDING).exclude(pk=request.pk)
    rows = rows.filter(tenant__in=tenants_where(user, "quota.view"))
    rows = rows.select_related("tenant", "requester").prefetch_related("lines").order_by("created_at")
    cloud = request.size.get("cloud")
    near = [row for row in rows if row.tenant_id == request.tenant_id or (cloud and row.size.get("cloud") == cloud)]
    return sorted(near, key=lambda row: row.tenant_id != request.tenant_id)[:OTHERS_SHOWN]


def amounts(request: QuotaRequest, nodes: int) -> dict[str, int]:
    """Return what the wish reserves in all when it has that many nodes."""
    fixed, each = request.size["fixed"], request.size["per_node"]
    return {kind: fixed.get(kind, 0) + nodes * each.get(kind, 0) for kind in {**fixed, **each}}


def fitting(request: QuotaRequest, granted: Mapping[str, int]) -> int | None:
    """Return the most nodes (at least those that the requester accepts) that fit if that much more were granted.

    None: not even the fewest, or the request is about no nodes. What is decided is in the limits already.
    """
    if "nodes" not in request.size:
        return None
    more = granted if request.pending else {}
    most = request.size["nodes"]
    for line in quotas.lines(request.tenant, subject=request.subject, wanted=amounts(request, 0)):
        if line.limit is not None:  # what is used already may stay used
            room = max(line.limit + more.get(line.kind, 0), line.used or 0) - line.after
            each = request.size["per_node"].get(line.kind, 0)
            most = min(most, room // each) if each else (most if room >= 0 else -1)
    return most if most >= request.size["least"] else None


def enough_for(request: QuotaRequest, nodes: int) -> dict[str, int]:
    """Return what must be granted of each kind asked for so that the wish fits with that many nodes.

    No more than was asked; all that was asked where the request is about no nodes.
    """
    asked = {line.kind: line.asked for line in request.lines.all()}
    if "nodes" not in request.size:
        return asked
    nodes = max(request.size["least"], min(request.size["nodes"], nodes))
    lines = quotas.lines(request.tenant, subject=request.subject, wanted=amounts(request, nodes))
    return {line.kind: min(line.lacks, asked[line.kind]) for line in lines if line.kind in asked}


def _of_person(user: User) -> Iterator[holdings.Holding]:
    """Yield the open requests of a person who may be leaving."""
    rows = QuotaRequest.objects.filter(requester=user, status=QuotaRequest.Status.PENDING).select_related("tenant")
    for row in rows:
        name, note = str(messages.shown(row.wish_said or MORE)), str(row.get_status_display())
        yield holdings.Holding(kind="request", name=name, tenant=row.tenant, link=f"/approvals/{row.pk}", note=note)


holdings.also_of_person(_of_person)
