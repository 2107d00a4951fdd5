"""What a leaver made in the registry is named, their roles end, and a tenant with images is not archived."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pks_portal.errors import Conflict
from registry import removing
from registry.models import Artifact, CveException, Project, ProjectMember, Repository, Robot, TrustedKey
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
    removing.artifact(root, artifact)
    assert pusher.project.repositories.exists(), "an empty one keeps nothing open"
    tenancy.archive(root, pusher.project.tenant)
    assert Project.objects.filter(pk=empty.pk).exists()


def test_more_things_need_no_more_queries(project: Project) -> None:
    user, later = UserFactory.create(), timezone.now() + timedelta(days=9)

    def more(number: int) -> None:
        row = Project.objects.create(tenant=project.tenant, name=f"more-{number}")
        facts = {"project": row, "expires_at": later}
        Robot.objects.create(name="ci", rights=["pull"], made_by=user, secret_hash=str(number), **facts)
        TrustedKey.objects.create(project=row, name="key", pem="", fingerprint=str(number), added_by=user)
        CveException.objects.create(vulnerability="CVE-1", reason="why", asked_by=user, **facts)
        ProjectMember.objects.create(project=row, user=user, role="viewer")
        repository = Repository.objects.create(project=row, name="web")
        Artifact.objects.create(repository=repository, digest=f"sha256:{number:064}", manifest_size=1, size=1)

    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            held = [*holdings.of_person(user), *holdings.of_tenant(project.tenant)]
            assert all(one.label and one.tenant for one in held)
        return len(held), len(queries)

    more(1)
    few, before = asked()
    more(2)
    more(3)
    many, after = asked()
    assert (few, many) == (5, 15)
    assert before == after
