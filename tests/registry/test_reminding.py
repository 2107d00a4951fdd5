"""What is about to end or to be full is told once, to those who can do something about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry import exceptions, reminding, removing, robots
from registry.models import CveException, Project, ProjectMember, Robot, StorageWarning
from tenants import quotas
from tenants.models import Notice, QuotaKind, QuotaLimit, User
from tests.factories import MembershipFactory, UserFactory
from tests.registry.pushing import Pusher

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def member(project: Project, role: str) -> User:
    user: User = MembershipFactory.create(tenant=project.tenant, role=role).user
    return user


def told(kind: str) -> dict[str, str]:
    """Return who was told, with the notice's text."""
    rows = Notice.objects.filter(kind=kind).select_related("user")
    return {row.user.username: row.text for row in rows}


def exception(project: Project, by: User, ends: timedelta, lasts: int = 30, **more: Any) -> CveException:
    end = timezone.now() + ends
    facts = {"status": "approved", "decided_at": end - lasts * DAY, "asked_at": end - lasts * DAY, **more}
    return CveException.objects.create(
        project=project, vulnerability="CVE-2024-1", reason="why", asked_by=by, expires_at=end, **facts
    )


def test_an_exception_s_end_is_told_before_and_when_it_comes(project: Project) -> None:
    asked, decides = member(project, "developer"), member(project, "admin")
    row = exception(project, asked, 6 * DAY)
    for _ in range(2):
        reminding.exceptions()
    texts = told("exception.ending")
    assert set(texts) == {asked.username, decides.username}
    assert f"{row.expires_at:%F}" in texts[asked.username]
    CveException.objects.update(expires_at=timezone.now() - DAY / 24)
    assert [reminding.exceptions(), reminding.exceptions()] == [1, 0]
    assert set(told("exception.ended")) == {asked.username, decides.username}


def test_who_decides_by_a_role_in_the_project_is_told_too(project: Project) -> None:
    asked, decides, looks, left = (member(project, "developer"), *UserFactory.create_batch(3))
    for one, role in ((decides, "admin"), (looks, "viewer"), (left, "admin")):
        ProjectMember.objects.create(project=project, user=one, role=role)
    User.objects.filter(pk=left.pk).update(is_active=False)
    exceptions.ask(asked, project, exceptions.Wish("CVE-2024-2", "why", 30))
    assert set(told("exception.asked")) == {decides.username}
    exception(project, asked, DAY)
    reminding.exceptions()
    assert set(told("exception.ending")) == {asked.username, decides.username}
    robots.create(decides, project, robots.Wish("ci", ["pull"], 90))
    Robot.objects.update(created_at=timezone.now() - 84 * DAY, expires_at=timezone.now() + 6 * DAY)
    reminding.robots()
    assert set(told("robot.ending")) == {decides.username}


def test_no_other_exception_is_told_of(project: Project) -> None:
    asked = member(project, "developer")
    exception(project, asked, 8 * DAY)
    exception(project, asked, 6 * DAY, lasts=7, package="short")
    exception(project, asked, 6 * DAY, status="withdrawn", package="withdrawn")
    exception(project, asked, -3 * DAY, package="long over")
    assert reminding.exceptions() == 0


def test_an_exception_that_goes_on_under_another_does_not_end(project: Project) -> None:
    asked = member(project, "developer")
    for ends in (6 * DAY, -DAY / 24):
        exception(project, asked, ends)
    exception(project, asked, 40 * DAY)
    assert reminding.exceptions() == 0


def test_a_leaver_is_not_told(project: Project) -> None:
    asked, decides = member(project, "developer"), member(project, "admin")
    User.objects.filter(pk=asked.pk).update(is_active=False)
    exception(project, asked, DAY)
    reminding.exceptions()
    assert set(told("exception.ending")) == {decides.username}


def test_a_robot_s_end_is_told_once_for_each_secret(project: Project) -> None:
    admin = member(project, "admin")
    member(project, "operator")
    robot, _secret = robots.create(admin, project, robots.Wish("ci", ["pull"], 90))
    long_ago = timezone.now() - 84 * DAY
    Robot.objects.update(created_at=long_ago, expires_at=long_ago + 90 * DAY)
    assert [reminding.robots(), reminding.robots()] == [1, 0]
    assert list(told("robot.ending")) == [admin.username]
    robot.refresh_from_db()
    robots.rotate(admin, robot, 90)
    assert reminding.robots() == 0
    now = timezone.now()
    Robot.objects.update(rotated_at=now - 86 * DAY, expires_at=now + 4 * DAY)
    assert reminding.robots() == 1
    Robot.objects.update(warned_at=None, rotated_at=now, expires_at=now + 4 * DAY)
    assert reminding.robots() == 0, "who gave it four days knows"
    Robot.objects.update(rotated_at=now - 86 * DAY, disabled=True)
    assert reminding.robots() == 0


def test_storage_that_is_nearly_full_is_told_once_until_there_is_room_again(project: Project) -> None:
    admin = member(project, "admin")
    member(project, "developer")
    QuotaLimit.objects.update_or_create(tenant=project.tenant, kind=QuotaKind.REGISTRY_GIB, defaults={"limit": 10})
    Project.objects.update(used=1)

    def takes(gib: int) -> int:
        quotas.measured(quotas.lock(project.tenant_id), project.tenant.opaque, {QuotaKind.REGISTRY_GIB: gib})
        return reminding.storage()

    assert [takes(8), takes(9), takes(10), takes(8), takes(9)] == [0, 1, 0, 0, 0]
    assert told("registry.nearly_full") == {
        admin.username: "Images take 9 of 10 GiB (90 %). When it is full, pushes are refused."
    }
    assert Notice.objects.get(kind="registry.nearly_full").link == f"/tenants/{project.tenant.slug}/quota"
    takes(7)
    assert not StorageWarning.objects.exists()
    assert takes(9) == 1


def test_storage_that_was_emptied_and_is_full_again_is_told_again(project: Project) -> None:
    member(project, "admin")
    QuotaLimit.objects.update_or_create(tenant=project.tenant, kind=QuotaKind.REGISTRY_GIB, defaults={"limit": 10})

    def takes(gib: int) -> int:
        Project.objects.update(used=gib)
        quotas.measured(quotas.lock(project.tenant_id), project.tenant.opaque, {QuotaKind.REGISTRY_GIB: gib})
        return reminding.storage()

    assert [takes(9), takes(0), takes(9)] == [1, 0, 1]


def test_a_deleted_repository_is_one_notice(pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("tenants.notices.tell", lambda kind, **facts: seen.append((kind, facts)))
    first = pusher.image("1.0")
    pusher.image("2.0", a="b")
    removing.repository(member(pusher.project, "admin"), first.repository)
    assert [(kind, facts["image"], facts["artifacts"]) for kind, facts in seen if "deleted" in kind] == [
        ("image.repository_deleted", "shop/web", 2)
    ]
