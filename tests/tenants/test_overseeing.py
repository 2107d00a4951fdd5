"""A tenant's administrators hear of rights that somebody else gives there; the platform's, of a tenant without any."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tenants import leaving, roles, signin
from tenants.automation import accounts, tokens
from tenants.directory import applying, comparing
from tenants.models import (
    ENVIRONMENT,
    DirectorySource,
    GroupMapping,
    Membership,
    Notice,
    PlatformRole,
    Role,
    Source,
    Tenant,
    User,
)
from tests.factories import MembershipFactory, PlatformGrantFactory, UserFactory

pytestmark = pytest.mark.django_db
GROUP = "cn=payments-admins,ou=groups,dc=corp,dc=example"


@pytest.fixture
def boss() -> User:
    return PlatformGrantFactory.create().user


@pytest.fixture
def admin() -> Membership:
    return MembershipFactory.create(role=Role.ADMIN)


def told(user: User) -> list[str]:
    """Return the kinds of a person's notices, about their tenant and others."""
    return list(Notice.objects.filter(user=user).order_by("created_at").values_list("kind", flat=True))


def account_of(boss: User, tenant: Tenant) -> Any:
    return accounts.create(boss, tenant, accounts.Wish(name="back-door", role=Role.ADMIN))


DEEDS: dict[str, Callable[[User, Tenant], Any]] = {
    "mapping.made": lambda actor, tenant: roles.map_group(actor, tenant, GROUP, Role.ADMIN),
    "member.given": lambda actor, tenant: roles.give(actor, tenant, UserFactory.create(), Role.ADMIN),
    "service_account.made": account_of,
}


@pytest.mark.parametrize("kind", DEEDS)
def test_rights_that_the_platform_gives_are_told(boss: User, admin: Membership, kind: str) -> None:
    DEEDS[kind](boss, admin.tenant)
    assert told(admin.user) == [kind]
    notice = Notice.objects.get(user=admin.user)
    assert boss.username in notice.text
    assert "%(" not in notice.text
    assert notice.link.startswith(f"/tenants/{admin.tenant.slug}/")
    assert told(boss) == []


def test_a_mapping_is_told_to_the_other_administrators_whoever_made_it(boss: User, admin: Membership) -> None:
    other = MembershipFactory.create(tenant=admin.tenant, role=Role.ADMIN).user
    roles.unmap(admin.user, roles.map_group(admin.user, admin.tenant, GROUP, Role.ADMIN))
    assert (told(other), told(admin.user), told(boss)) == (["mapping.made", "mapping.ended"], [], [])


def test_a_mapping_to_a_platform_role_is_told_to_the_platforms_others(boss: User) -> None:
    other = PlatformGrantFactory.create().user
    roles.unmap(boss, roles.map_group(boss, None, GROUP, PlatformRole.AUDITOR))
    assert (told(other), told(boss)) == (["mapping.made_platform", "mapping.ended_platform"], [])
    assert all(boss.username in one.text and "%(" not in one.text for one in Notice.objects.filter(user=other))


def test_what_a_tenants_own_administrators_do_by_hand_is_no_news(admin: Membership) -> None:
    other = MembershipFactory.create(tenant=admin.tenant, role=Role.ADMIN).user
    given = roles.give(admin.user, admin.tenant, UserFactory.create(), Role.VIEWER)
    roles.withdraw(admin.user, given)
    account = account_of(admin.user, admin.tenant)
    tokens.issue(admin.user, account.user, tokens.Wish("t", ["read"], 5))
    assert told(other) == []


def test_without_administrators_the_platforms_others_are_told(boss: User) -> None:
    other = PlatformGrantFactory.create().user
    roles.map_group(boss, MembershipFactory.create(role=Role.VIEWER).tenant, GROUP, Role.ADMIN)
    assert (told(other), told(boss)) == (["mapping.made"], [])


def test_every_way_to_somebody_elses_program_is_told(boss: User, admin: Membership) -> None:
    account = account_of(boss, admin.tenant)
    accounts.set_role(boss, account, Role.OPERATOR)
    token, _text = tokens.issue(boss, account.user, tokens.Wish("t", ["read"], 5))
    tokens.rotate(boss, token, grace_hours=0)
    kinds = ["service_account.made", "service_account.role", "service_account.token", "service_account.token"]
    assert told(admin.user) == kinds


def by_hand(boss: User, admin: Membership) -> None:
    roles.withdraw(boss, admin)


def by_another_role(boss: User, admin: Membership) -> None:
    roles.give(boss, admin.tenant, admin.user, Role.VIEWER)


def by_mapping(boss: User, admin: Membership) -> None:
    mapping = GroupMapping.objects.create(tenant=admin.tenant, group_dn=GROUP, role=Role.ADMIN)
    Membership.objects.filter(pk=admin.pk).update(source=Source.DIRECTORY, via=GROUP)
    roles.unmap(boss, mapping)


def by_sign_in(_boss: User, admin: Membership) -> None:
    Membership.objects.filter(pk=admin.pk).update(source=Source.DIRECTORY, via=GROUP)
    signin.apply_roles(admin.user, set())


def by_sync(_boss: User, admin: Membership) -> None:
    Membership.objects.filter(pk=admin.pk).update(source=Source.DIRECTORY, via=GROUP)
    lost = comparing.Change(what="change", user=admin.user, person=None, lost=((admin.tenant_id, Role.ADMIN.value),))
    applying.apply(DirectorySource.objects.get(pk=ENVIRONMENT), diff_of(lost), actor=None)


def by_leaving(boss: User, admin: Membership) -> None:
    leaving.dismiss(boss, admin.user, "left")


def by_leaving_the_directory(_boss: User, admin: Membership) -> None:
    gone = comparing.Change(what="leave", user=admin.user, person=None)
    applying.apply(DirectorySource.objects.get(pk=ENVIRONMENT), diff_of(gone), actor=None)


def diff_of(*changes: comparing.Change) -> comparing.Diff:
    return replace(EMPTY, changes=list(changes))


EMPTY = comparing.Diff(changes=[], people=9, roles=9)
WAYS = [by_hand, by_another_role, by_mapping, by_sign_in, by_sync, by_leaving, by_leaving_the_directory]


@pytest.mark.parametrize("way", WAYS)
def test_a_tenant_that_is_left_without_administrator_is_told(boss: User, admin: Membership, way: Any) -> None:
    way(boss, admin)
    assert told(boss).count("tenant.without_admin") == 1
    notice = Notice.objects.get(user=boss, kind="tenant.without_admin")
    assert admin.tenant.slug in notice.text
    assert "%(" not in notice.text


@pytest.mark.parametrize("way", WAYS)
def test_with_another_one_nothing_is_told(boss: User, admin: Membership, way: Any) -> None:
    MembershipFactory.create(tenant=admin.tenant, role=Role.ADMIN)
    way(boss, admin)
    assert "tenant.without_admin" not in told(boss)


def test_a_program_is_no_administrator(boss: User, admin: Membership) -> None:
    account_of(boss, admin.tenant)
    roles.withdraw(boss, admin)
    assert "tenant.without_admin" in told(boss)


def test_one_sync_that_takes_and_gives_leaves_nobody_alone(boss: User, admin: Membership) -> None:
    heir, key = UserFactory.create(), (admin.tenant_id, Role.ADMIN.value)
    gone = comparing.Change(what="leave", user=admin.user, person=None, lost=(key,))
    comes = comparing.Change(what="change", user=heir, person=None, gained={key: GROUP})
    applying.apply(DirectorySource.objects.get(pk=ENVIRONMENT), diff_of(gone, comes), actor=None)
    assert "tenant.without_admin" not in told(boss)
