"""What a leaver made in the registry is named, their roles end, and a tenant with images is not archived."""

from datetime import timedelta

import pytest
from django.utils import timezone

from pks_portal.errors import Conflict
from registry.models import CveException, Project, ProjectMember, Robot, TrustedKey
from tenants import holdings, leaving, tenancy
from tenants.models import AuditEntry, PlatformRole
from tests.factories import MembershipFactory, PlatformGrantFactory, UserFactory
from tests.permissions.people import browser_of
from tests.registry.pushing import Pusher

pytestmark = pytest.mark.django_db


def test_what_a_leaver_made_is_named(project: Project) -> None:
    user, other = MembershipFactory.create(tenant=project.tenant, role="admin").user, UserFactory.create()
    later = timezone.now() + timedelta(days=9)
    for by in (user, other):
        facts = {"project": project, "expires_at": later}
        Robot.objects.create(name=f"of-{by.pk}", rights=["pull"], made_by=by, secret_hash=str(by.pk), **facts)
        TrustedKey.objects.create(project=project, name=f"key-{by.pk}", pem="", fingerprint=str(by.pk), added_by=by)
        CveException.objects.create(vulnerability=f"CVE-{by.pk}", reason="why", asked_by=by, **facts)
        CveException.objects.create(
            vulnerability=f"CVE-over-{by.pk}", reason="why", asked_by=by, status="rejected", **facts
        )
        ProjectMember.objects.create(project=project, user=by, role="viewer")
    held = {(one.kind, one.name, one.link) for one in holdings.of_person(user)}
    assert held == {
        ("robot", f"robot-shop.of-{user.pk}", "/images/shop?tab=robots"),
        ("trusted_key", f"key-{user.pk}", "/images/shop?tab=policy"),
        ("exception", f"CVE-{user.pk}", "/images/shop?tab=exceptions"),
        ("project_role", "shop", "/images/shop?tab=members"),
    }
    root = UserFactory.create()
    PlatformGrantFactory.create(user=root, role=PlatformRole.PLATFORM_ADMIN)
    page = browser_of(root).get(f"/platform/people/{user.pk}").content.decode()
    assert all(name in page for _kind, name, _link in held)


def test_a_leaver_s_roles_in_projects_end(project: Project) -> None:
    user, stays = UserFactory.create(), UserFactory.create()
    for one in (user, stays):
        ProjectMember.objects.create(project=project, user=one, role="developer")
    leaving.deactivate(user, by=None, reason="gone")
    assert list(ProjectMember.objects.values_list("user", flat=True)) == [stays.pk]
    entry = AuditEntry.objects.get(action="registry.member_withdraw")
    assert (entry.facts["person"], entry.facts["role"]) == (user.username, "developer")


def test_a_tenant_with_images_is_not_archived(pusher: Pusher) -> None:
    root = UserFactory.create()
    PlatformGrantFactory.create(user=root, role=PlatformRole.PLATFORM_ADMIN)
    empty = Project.objects.create(tenant=pusher.project.tenant, name="empty")
    artifact = pusher.image("1.0")
    with pytest.raises(Conflict) as refused:
        tenancy.archive(root, pusher.project.tenant)
    assert refused.value.facts["names"] == "shop"
    artifact.repository.delete()
    tenancy.archive(root, pusher.project.tenant)
    assert Project.objects.filter(pk=empty.pk).exists()
