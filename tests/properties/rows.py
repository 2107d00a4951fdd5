"""More of each thing in a world of rights, for what must not depend on how many there are."""

from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.db.models import Model
from django.utils import timezone

from clusters.models import Cluster, EmergencyAccess, Kubeconfig
from pks_portal import sealed
from pks_portal.operations.models import Operation, OperationEvent, OperationStep
from tenants.audit import record
from tenants.models import (
    ApiToken,
    Delivery,
    DirectorySource,
    GroupMapping,
    Notice,
    QuotaGrant,
    QuotaRequest,
    QuotaRequestLine,
    Role,
    ServiceAccount,
    User,
    Webhook,
)  # fmt: skip
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory, TenantFactory
from tests.permissions.people import task
from tests.properties import image_rows
from tests.properties.image_rows import copy

Row = TypeVar("Row", bound=Model)


def more(world: dict[str, Any], asker: User, count: int) -> None:
    """Add `count` of each thing beside those of the world, in its tenant, on its cluster, and of the asker."""
    for number in range(count):
        mark = f"more-{uuid4().hex[:8]}"
        person = MembershipFactory.create(tenant=world["row"], role=list(Role)[number % 4], user__username=mark).user
        for add in (_clusters, _tasks, _rights, _told, _asked, image_rows.more, _own):
            add(world, mark, person if add is not _own else asker)


def _sealed(row: Row, secret: str, **changes: Any) -> Row:
    """Save a row with a secret once more: what is sealed is sealed for its own row."""
    made = copy(row, **changes)
    sealed.put(made, secret, "another")
    made.save()
    return made


def _clusters(world: dict[str, Any], mark: str, person: User) -> None:
    ClusterFactory.create(tenant=world["row"], name=mark, created_by=person, labels={"env": mark})
    kubeconfig = Kubeconfig.objects.get(pk=world["kubeconfig"])
    copy(kubeconfig, name=mark, holder=person)
    now = timezone.now()
    emergency = EmergencyAccess.objects.create(
        cluster_id=world["cluster"], person=person, reason=mark, ends_at=now + timedelta(hours=1), ended_at=now
    )
    copy(kubeconfig, name=f"{mark}-e", holder=person, emergency=emergency)


def _tasks(world: dict[str, Any], mark: str, person: User) -> None:
    cluster = Cluster.objects.get(pk=world["cluster"])
    tenant = world["row"]
    task(tenant, "cluster.scale", cluster.pk, cluster.name, status="failed", wanted={"nodes": 3}, actor=person)
    for status in ("queued", "running"):
        task(tenant, "cluster.scale", uuid4(), mark, status=status, wanted={"nodes": 3}, actor=person)
    task(None, "kubernetes.prepare", uuid4(), mark, status="failed")
    for made in Operation.objects.filter(pk__in=[world["task"], world["failed"]]):
        steps, events = made.steps.count(), made.last_seq
        OperationStep.objects.create(operation=made, index=steps, name="nodes")
        OperationEvent.objects.create(operation=made, seq=events + 1, key="event.queued", args={"actor": mark})
        Operation.objects.filter(pk=made.pk).update(last_seq=events + 1)


def _rights(world: dict[str, Any], mark: str, person: User) -> None:
    tenant = world["row"]
    group = {"group_dn": f"cn={mark},dc=a", "role": "viewer"}
    GroupMapping.objects.create(tenant=tenant, **group)
    source = DirectorySource.objects.get(slug=world["directory"])
    GroupMapping.objects.create(tenant=tenant, directory=source, **group)
    GroupMapping.objects.create(directory=source, group_dn=f"cn={mark},dc=p", role="auditor")
    server = source.servers.get()
    copy(server, source=_sealed(source, "bind_password", slug=mark, name=mark))
    PlatformGrantFactory.create(role="auditor", user=person)
    TenantFactory.create(slug=mark)
    program = User.objects.create(username=f"{tenant.slug}/{mark}", kind=User.Kind.SERVICE)
    MembershipFactory.create(tenant=tenant, user=program, role="viewer")
    ServiceAccount.objects.create(user=program, tenant=tenant, name=mark, made_by=person)
    token = ApiToken.objects.get(pk=world["token"])
    copy(token, name=mark, made_by=person)
    copy(token, name=mark, user=program)
    record(person, "cluster.label", Cluster.objects.get(pk=world["cluster"]), tenant=tenant)


def _told(world: dict[str, Any], mark: str, person: User) -> None:
    for name in ("webhook", "platform_webhook"):
        _sealed(Webhook.objects.get(pk=world[name]), "secret", url=f"https://{mark}.example", created_by=person)
    copy(Delivery.objects.get(pk=world["delivery"]), event=uuid4())


def _asked(world: dict[str, Any], _mark: str, person: User) -> None:
    for status in ("pending", "approved"):
        ended = None if status == "pending" else timezone.now()
        request = QuotaRequest.objects.create(
            tenant=world["row"], requester=person, status=status, decided_at=ended, reason="more"
        )
        QuotaRequestLine.objects.create(request=request, kind="nodes", asked=2, granted=1 if ended else None)
        if ended:
            QuotaGrant.objects.create(tenant=world["row"], kind="nodes", amount=1, request=request)


def _own(world: dict[str, Any], mark: str, asker: User) -> None:
    copy(Notice.objects.get(pk=world["notice"]), user=asker, tenant=world["row"])
    copy(ApiToken.objects.get(pk=world["token"]), name=mark, user=asker)
    copy(UserSession.objects.get(pk=world["session"]), user=asker, session_key=mark)
    copy(Kubeconfig.objects.get(pk=world["kubeconfig"]), name=f"{mark}-own", holder=asker)
    request = QuotaRequest.objects.create(tenant=world["row"], requester=asker, reason="own")
    QuotaRequestLine.objects.create(request=request, kind="vcpu", asked=2)
