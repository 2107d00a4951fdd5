"""The eight kinds of people, and one of each thing that they may or may not touch."""

import time
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from clusters.models import Kubeconfig
from clusters.preparing import subject
from pks_portal.operations.models import Operation, OperationEvent
from tenants.models import ApiToken, GroupMapping, Membership, PlatformRole, Role, ServiceAccount, Tenant, User
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory, TenantFactory, UserFactory
from tests.permissions import of_approvals, of_directories, of_emergency, of_images, of_notices, of_people

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
WHO = ["viewer", "developer", "operator", "admin", "platform-admin", "auditor", "foreign", "nobody"]
CANARY = "canary"
"""Is in every name of the world: who may not see it must find it nowhere."""


def person(who: str, tenant: Tenant) -> User | None:
    """Return somebody of a kind; "foreign" administers another tenant, "nobody" has not signed in."""
    if who == "nobody":
        return None
    if who == "foreign":
        return MembershipFactory.create(role=Role.ADMIN).user
    if who in PlatformRole.values:
        return PlatformGrantFactory.create(role=who).user
    return MembershipFactory.create(tenant=tenant, role=who).user


def browser_of(user: User | None) -> Client:
    """Return the browser of a person, signed in, or of a stranger."""
    client = Client()
    if user is not None:
        client.force_login(user, backend=BACKEND)
        session = client.session  # who has just signed in need not confirm who they are
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


def world_of(owner: Membership) -> dict[str, Any]:
    """Return one of each thing in the owner's tenant, and the platform's own task."""
    tenant = owner.tenant
    tenant.name = tenant.name_zh = f"{CANARY} tenant"
    tenant.save()
    cluster = ClusterFactory.create(tenant=tenant, name=f"{CANARY}-cluster", endpoint="https://127.0.0.1:6443")
    kubeconfig = Kubeconfig.objects.create(
        cluster=cluster, holder=owner.user, name=f"{CANARY}-k", level="edit", expires_at="2099-01-01T00:00Z"
    )
    other = ClusterFactory.create(tenant=tenant, name=f"{CANARY}-other")
    token = token_of(tenant)
    left = PlatformGrantFactory.create(role="auditor", user__username=f"{CANARY}-person")
    return {
        "row": tenant,
        "newcomer": UserFactory.create(username=f"{CANARY}-newcomer").username,
        "member": owner.pk, "holder": owner.user.username,
        "person": left.user_id, "grant": left.pk,
        "mapping": GroupMapping.objects.create(tenant=tenant, role="viewer", group_dn=f"cn={CANARY},dc=a").pk,
        "platform_mapping": GroupMapping.objects.create(role="auditor", group_dn=f"cn={CANARY}-auditors,dc=a").pk,
        "tenant": tenant.slug, "cloud": cluster.cloud.slug, "plan": cluster.plan.slug,
        "cluster": cluster.pk, "kubeconfig": kubeconfig.pk,
        "task": task(tenant, "kubernetes.prepare", tenant.opaque, f"{CANARY}-version").pk,
        "failed": task(tenant, "cluster.scale", other.pk, other.name, status="failed", wanted={"nodes": 3}).pk,
        "platform": task(None, "kubernetes.prepare", subject("1.37.2"), f"1.37.2-{CANARY}", status="failed").pk,
        "session": session_of(owner.user),
        "key": Authenticator.objects.create(user=owner.user, type="webauthn", data={"name": CANARY}).pk,
        "linked": SocialAccount.objects.create(user=owner.user, provider="none", uid=CANARY).pk,
        "account": "ci",
        **of_directories.world(CANARY),
        **of_emergency.world(cluster, CANARY),
        **of_images.world(tenant, CANARY),
        **of_notices.world(tenant, owner.user, CANARY),
        **of_people.world(owner.user, CANARY),
        **of_approvals.world(tenant, owner.user, CANARY),
        "token": token.pk,
    }  # fmt: skip


def task(tenant: Tenant | None, kind: str, subject_id: Any, name: str, **more: Any) -> Operation:
    """Return a task with one event."""
    ended = timezone.now() if more.get("status") == "failed" else None
    made = Operation.objects.create(
        tenant=tenant, kind=kind, subject_type=kind.partition(".")[0], subject_id=subject_id, subject_name=name,
        ended_at=ended, last_seq=1, actor_name=f"{CANARY}-actor", **more,
    )  # fmt: skip
    OperationEvent.objects.create(operation=made, seq=1, key="event.queued", args={"actor": CANARY})
    return made


def token_of(tenant: Tenant) -> ApiToken:
    """Return a token of a new service account."""
    user = User.objects.create(username=f"{tenant.slug}/ci", kind=User.Kind.SERVICE)
    Membership.objects.create(user=user, tenant=tenant, role=Role.VIEWER)
    ServiceAccount.objects.create(user=user, tenant=tenant, name="ci", about=CANARY)
    ends = timezone.now() + timedelta(days=9)
    return ApiToken.objects.create(user=user, name=f"{CANARY}-token", scopes=["read"], expires_at=ends)


def session_of(user: User) -> int:
    """Return the id of somebody's session, as the profile lists it."""
    row = UserSession.objects.create(user=user, session_key="k" * 32, ip="127.0.0.1", user_agent=CANARY)
    return int(row.pk)


def another_tenant() -> Tenant:
    """Return a tenant that has nothing to do with the world."""
    return TenantFactory.create()
