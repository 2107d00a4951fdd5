"""Go on with held wishes whose requests are decided: begin them, as large as was granted, or end them.

Everything is checked again, with the rights that the requester has now. Safe when called twice, by several workers at
once, and after a crash at any point: the task's row, locked, says whether it is still held.
"""

import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from django.core.exceptions import ValidationError
from django.db import transaction

from clusters import fleet, services, wishes
from clusters.held import request_of
from clusters.models import Cloud, Cluster, NodePool, Plan
from pks_portal.errors import Conflict, Invalid, PortalError, QuotaExceeded, Unavailable
from pks_portal.messages import Said
from pks_portal.operations import holding
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from tenants import notices, quotas, request_facts
from tenants.access import require
from tenants.models import QuotaRequest, User

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
BUSY = "error.busy"
Status = Operation.Status


@shared_task(ignore_result=True)
def settle_held(operation_id: str) -> None:
    """Go on with a held wish whose request was decided."""
    settle(operation_id)


@shared_task(ignore_result=True)
def sweep_held() -> None:
    """Go on with every held wish that could: a message was lost, or there may be room by now."""
    decided = QuotaRequest.objects.exclude(status=QuotaRequest.Status.PENDING)
    for pk in holding.due().filter(pk__in=decided.values("wish")).values_list("pk", flat=True):
        try:
            settle(pk)
        except Exception:  # one wish that cannot be gone on with stops no other; it is looked at again
            log.exception("The held wish %s could not be gone on with.", pk)


def settle(operation_id: UUID | str) -> None:
    """Begin a held wish, end it, or say why it waits on; nothing while its request is open."""
    rows = Operation.objects.select_related("tenant", "actor").filter(pk=operation_id, status=Status.HELD)
    if (operation := rows.first()) is None or (request := request_of(operation)) is None or request.pending:
        return
    if request.status != QuotaRequest.Status.APPROVED:
        _give_up(operation, request)
        return
    begin = _create if operation.kind == "cluster.create" else _scale
    try:
        begin(operation, request)
    except QuotaExceeded as error:
        _short(operation, request, error)
    except Unavailable as error:
        holding.put_off(operation, Said("held.later", {"reason": error.said.stored()}), seconds=RETRY_SECONDS)
    except PortalError as error:
        if error.key == BUSY:
            said = Said("held.busy", {"name": operation.subject_name})
            holding.put_off(operation, said, seconds=RETRY_SECONDS)
        else:
            _fail(operation, error)
    except ValidationError as error:
        _fail(operation, Invalid("error.wish_invalid", reason=" ".join(error.messages)))


def _create(operation: Operation, request: QuotaRequest) -> None:
    """Make the cluster that was wished for and queue the work on it. Raises PortalError, ValidationError."""
    actor, tenant = _who(operation), request.tenant
    require(actor, "cluster.create", tenant)
    cluster, pool = wishes.built(actor, tenant, _wish(operation))
    cluster.pk, pool.nodes = operation.subject_id, _nodes(request)
    preview = fleet.preview(cluster.cloud, None, fleet.wanted_from(cluster, [pool]))
    services.refuse(preview)
    with transaction.atomic():
        if not _ours(operation):
            return
        quotas.lock(tenant)
        cluster.full_clean()
        pool.cluster = cluster
        quotas.reserve(tenant, cluster.pk, wishes.amounts(pool))
        cluster.save(force_insert=True)
        pool.save()
        _begin(operation, request, pool.nodes, preview.steps)
        services.created(operation, cluster, pool.nodes)


def _scale(operation: Operation, request: QuotaRequest) -> None:
    """Want the size that was wished for and queue the work towards it. Raises PortalError."""
    require(_who(operation), "cluster.scale", request.tenant)
    rows = Cluster.objects.select_related("tenant", "plan", "cloud").exclude(status=Cluster.Status.DELETING)
    if (cluster := rows.filter(pk=operation.subject_id).first()) is None or not cluster.nodes:
        raise Conflict("error.subject_gone", name=operation.subject_name)
    if cluster.nodes >= operation.wanted["nodes"]:
        raise Conflict("error.same_size", name=cluster.name, nodes=cluster.nodes)
    nodes = _nodes(request, more_than=cluster.nodes)
    wishes.check_nodes(cluster.plan, nodes)
    preview = services.scale_refused(cluster, nodes)
    with transaction.atomic():
        if not _ours(operation):
            return
        if operations.unfinished(cluster.pk).exists():
            raise Conflict(BUSY, name=cluster.name)
        pool = NodePool.objects.get(cluster=cluster)
        if pool.nodes >= nodes:
            return  # changed in this moment: the next look decides
        # the task first, then the tenant's lock, as a scale does: the index on queued work makes the two meet there
        _begin(operation, request, nodes, preview.steps, before=pool.nodes)
        services.resized(operation, cluster, pool, nodes)


def _ours(operation: Operation) -> bool:
    """Lock all work on the subject; say whether the wish is still held: nobody has begun, ended or cancelled it."""
    beside = holding.lock_beside(operation.subject_id)
    return any(row.pk == operation.pk and row.status == Status.HELD for row in beside)


def _who(operation: Operation) -> User:
    """Return whose wish it is, as they are now."""
    return User.objects.get(pk=operation.actor_id or 0)


def _wish(operation: Operation) -> wishes.NewCluster:
    """Return the wish from what was kept of it, by names. Raises Invalid where they mean nothing any more."""
    kept = operation.wanted
    if (plan := Plan.objects.filter(slug=kept["plan"], offered=True).first()) is None:
        raise wishes.plan_unknown(kept["plan"])
    if (cloud := Cloud.objects.filter(slug=kept["cloud"], enabled=True).first()) is None:
        raise wishes.cloud_unknown(kept["cloud"])
    return wishes.NewCluster(
        name=kept["name"], plan=plan, nodes=kept["nodes"], version=kept["version"], cloud=cloud,
        external_hostname=kept["external_hostname"], labels=kept["labels"],
    )  # fmt: skip


def _nodes(request: QuotaRequest, *, more_than: int = 0) -> int:
    """Return with how many nodes the wish fits what was granted. Raises QuotaExceeded with what is missing."""
    nodes = request_facts.fitting(request, {})
    if nodes is not None and nodes > more_than:
        return nodes
    least = max(int(request.size["least"]), more_than + 1)
    wanted = request_facts.amounts(request, least)
    lines = [line for line in quotas.lines(request.tenant, subject=request.subject, wanted=wanted) if line.over]
    if not lines:
        return least
    raise quotas.exceeded(request.tenant, lines[0], lines)


def _begin(operation: Operation, request: QuotaRequest, nodes: int, steps: Any, **more: int) -> None:
    """Turn the held task into one that a worker carries on, and say by whose approval, and how large."""
    asked = operation.wanted["nodes"]
    wanted = {**operation.wanted, "nodes": nodes, **more} | ({} if nodes == asked else {"asked": asked})
    holding.begin(operation, wanted=wanted, steps=[(step.name, step.weight) for step in steps])
    by = request.decided_by.username if request.decided_by else "portal"
    operations.append(operation, "held.started", by=by)
    if nodes != asked:
        operations.append(operation, "held.cut", level="warning", nodes=nodes, asked=asked)


def _short(operation: Operation, request: QuotaRequest, error: QuotaExceeded) -> None:
    """Wait on for room, unless what was granted is over: then it will hardly come."""
    living = quotas.living_grants(request.tenant).filter(request=request)
    if living.exists():
        holding.put_off(operation, Said("held.short", {"reason": error.said.stored()}), seconds=RETRY_SECONDS)
    else:
        _fail(operation, Conflict("error.grant_ended", reason=error.said.stored()))


def _give_up(operation: Operation, request: QuotaRequest) -> None:
    """End a wish that was not approved."""
    by = request.decided_by.username if request.decided_by else "portal"
    with transaction.atomic():
        if not _ours(operation):
            return
        if request.status == QuotaRequest.Status.REJECTED:
            error = Conflict("error.request_rejected", by=by, comment=request.comment)
            operations.end(operation, Status.FAILED, error=error)
        else:
            lapsed = request.status == QuotaRequest.Status.LAPSED
            operations.append(operation, "held.lapsed_request" if lapsed else "held.withdrawn", by=by)
            operations.end(operation, Status.CANCELLED)


def _fail(operation: Operation, error: PortalError) -> None:
    """End a wish that cannot begin any more, and tell whose it was."""
    with transaction.atomic():
        if not _ours(operation):
            return
        operations.end(operation, Status.FAILED, error=error)
        notices.tell(
            "wish.failed", to=[_who(operation)], tenant=operation.tenant, link=f"/tasks/{operation.pk}",
            what=Said(f"task.{operation.kind}", {"name": operation.subject_name, **operation.wanted}),
            reason=error.said,
        )  # fmt: skip
