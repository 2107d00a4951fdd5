"""Tenants made, renamed, archived; roles given and withdrawn; who may, who is told, and what is on record."""

from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError

from clusters import services, wishes
from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import roles, tenancy, tracing
from tenants.access import tenants_where
from tenants.directory.transport import DirectoryUnavailable
from tenants.models import (
    ENVIRONMENT,
    AuditEntry,
    GroupMapping,
    Membership,
    Notice,
    PlatformGrant,
    QuotaLimit,
    Role,
    Source,
    Tenant,
    User,
)
from tests.factories import (
    CloudFactory,
    ClusterFactory,
    MembershipFactory,
    PlanFactory,
    PlatformGrantFactory,
    TenantFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

GROUP = "cn=payments-admins,ou=groups,dc=corp,dc=example"


@pytest.fixture
def platform() -> User:
    return PlatformGrantFactory.create().user


@pytest.fixture
def admin() -> Membership:
    return MembershipFactory.create(role=Role.ADMIN)


class TestTenants:
    def test_a_new_one_has_nothing_and_may_have_nothing(self, platform: User) -> None:
        tenant = tenancy.create(platform, "loans", "Loans", "贷款")
        assert tenant.label == "Loans"
        assert set(QuotaLimit.objects.filter(tenant=tenant).values_list("limit", flat=True)) == {0}
        assert AuditEntry.objects.get(action="tenant.create").tenant == tenant

    @pytest.mark.parametrize("slug", ["", "Loans", "-a", "a_b", "a" * 41, "a/b"])
    def test_a_slug_is_a_name_that_clusters_can_carry(self, platform: User, slug: str) -> None:
        with pytest.raises(ValidationError):
            tenancy.create(platform, slug, "Loans")

    def test_a_slug_is_never_given_twice(self, platform: User) -> None:
        tenancy.archive(platform, TenantFactory.create(slug="loans"))
        with pytest.raises(Conflict) as refused:
            tenancy.create(platform, "loans", "Loans again")
        assert refused.value.code == "tenant-taken"

    def test_only_the_platform_makes_them(self, admin: Membership) -> None:
        for deed in (
            lambda: tenancy.create(admin.user, "mine", "Mine"),
            lambda: tenancy.rename(admin.user, admin.tenant, name="Mine"),
            lambda: tenancy.archive(admin.user, admin.tenant),
            lambda: tenancy.restore(admin.user, admin.tenant),
        ):
            with pytest.raises(Forbidden):
                deed()

    def test_renaming_keeps_the_slug(self, platform: User) -> None:
        tenant = TenantFactory.create(slug="loans")
        assert tenancy.rename(platform, tenant, name="Credit").slug == "loans"
        assert Tenant.objects.get(slug="loans").name == "Credit"
        with pytest.raises(Invalid):
            tenancy.rename(platform, tenant, name=" ")

    def test_with_a_cluster_it_is_not_archived_and_the_cluster_is_named(self, platform: User) -> None:
        cluster = ClusterFactory.create(name="ledger")
        with pytest.raises(Conflict) as refused:
            tenancy.archive(platform, cluster.tenant)
        assert refused.value.code == "tenant-not-empty"
        assert "ledger" in refused.value.detail
        cluster.pools.all().delete()
        cluster.delete()
        assert tenancy.archive(platform, cluster.tenant).archived_at

    def test_archived_nothing_new_begins_and_members_keep_reading(self, platform: User, admin: Membership) -> None:
        tenancy.archive(platform, admin.tenant)
        admin.tenant.refresh_from_db()
        wish = wishes.NewCluster(
            name="new", plan=PlanFactory.create(), nodes=1, version="1.37.2", cloud=CloudFactory.create()
        )
        with pytest.raises(Conflict) as refused:
            services.create_cluster(admin.user, admin.tenant, wish)
        assert refused.value.code == "tenant-archived"
        with pytest.raises(Conflict):
            roles.give(admin.user, admin.tenant, UserFactory.create(), Role.VIEWER)
        with pytest.raises(Conflict):
            roles.map_group(admin.user, admin.tenant, GROUP, Role.VIEWER)
        assert tenants_where(admin.user, "cluster.view").exists()
        assert not tenants_where(admin.user, "cluster.create").exists()
        tenancy.restore(platform, admin.tenant)
        assert tenants_where(admin.user, "cluster.create").exists()

    def test_a_create_that_was_checked_before_the_archiving_loses(self, platform: User, admin: Membership) -> None:
        stale = Tenant.objects.get(pk=admin.tenant_id)
        tenancy.archive(platform, admin.tenant)
        assert stale.archived_at is None
        wish = wishes.NewCluster(
            name="new", plan=PlanFactory.create(), nodes=1, version="1.37.2", cloud=CloudFactory.create()
        )
        with patch("clusters.services.require"), pytest.raises(Conflict):
            services.create_cluster(admin.user, stale, wish)


class TestGiving:
    def test_given_recorded_and_told(self, admin: Membership, django_capture_on_commit_callbacks: Any) -> None:
        user = UserFactory.create()
        with patch("celery.current_app.send_task") as send, django_capture_on_commit_callbacks(execute=True):
            given = roles.give(admin.user, admin.tenant, user, Role.OPERATOR)
        assert (given.given_by, given.source) == (admin.user, Source.MANUAL)
        assert given.given_at
        assert AuditEntry.objects.get(action="member.give").facts["role"] == "operator"
        assert Notice.objects.get(user=user).kind == "role.given"
        assert ("clusters.tasks.follow_roles", ([admin.tenant_id],)) in [
            (call.args[0], call.kwargs["args"]) for call in send.call_args_list
        ]

    def test_one_role_by_hand_beside_those_by_groups(self, admin: Membership) -> None:
        by_group = MembershipFactory.create(tenant=admin.tenant, role=Role.VIEWER, source=Source.DIRECTORY, via=GROUP)
        roles.give(admin.user, admin.tenant, by_group.user, Role.DEVELOPER)
        roles.give(admin.user, admin.tenant, by_group.user, Role.OPERATOR)
        held = Membership.objects.filter(user=by_group.user).values_list("source", "role")
        assert sorted(held) == [("directory", "viewer"), ("manual", "operator")]

    def test_the_same_again_changes_nothing(self, admin: Membership) -> None:
        user = UserFactory.create()
        first = roles.give(admin.user, admin.tenant, user, Role.VIEWER)
        assert roles.give(admin.user, admin.tenant, user, Role.VIEWER).pk == first.pk
        assert AuditEntry.objects.filter(action="member.give").count() == 1

    @pytest.mark.parametrize("who", ["tenant", "platform"])
    def test_nobody_gives_a_role_to_themselves(self, admin: Membership, platform: User, who: str) -> None:
        actor = admin.user if who == "tenant" else platform
        with pytest.raises(Forbidden) as refused:
            roles.give(actor, admin.tenant, actor, Role.ADMIN)
        assert refused.value.code == "own-role"

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER, Role.OPERATOR])
    def test_only_administrators_give(self, role: str) -> None:
        member = MembershipFactory.create(role=role)
        with pytest.raises(Forbidden):
            roles.give(member.user, member.tenant, UserFactory.create(), Role.VIEWER)

    def test_neither_to_those_who_left_nor_an_unknown_role(self, admin: Membership) -> None:
        with pytest.raises(Invalid):
            roles.give(admin.user, admin.tenant, UserFactory.create(is_active=False), Role.VIEWER)
        with pytest.raises(Invalid):
            roles.give(admin.user, admin.tenant, UserFactory.create(), "platform-admin")


class TestWithdrawing:
    def test_it_ends_and_is_told(self, admin: Membership) -> None:
        held = MembershipFactory.create(tenant=admin.tenant)
        roles.withdraw(admin.user, held)
        assert not Membership.objects.filter(pk=held.pk).exists()
        assert Notice.objects.get(user=held.user).kind == "role.withdrawn"
        roles.withdraw(admin.user, held)  # twice is once

    def test_what_a_group_gives_ends_with_the_group(self, admin: Membership) -> None:
        held = MembershipFactory.create(tenant=admin.tenant, source=Source.DIRECTORY, via=GROUP)
        with pytest.raises(Conflict) as refused:
            roles.withdraw(admin.user, held)
        assert GROUP in refused.value.detail

    def test_the_last_administrator_goes_only_by_the_platform(self, admin: Membership, platform: User) -> None:
        with pytest.raises(Conflict) as refused:
            roles.withdraw(admin.user, admin)
        assert refused.value.code == "last-admin"
        gone = MembershipFactory.create(tenant=admin.tenant, role=Role.ADMIN, user__is_active=False)
        with pytest.raises(Conflict):
            roles.withdraw(admin.user, admin)  # one who cannot sign in is none
        gone.delete()
        roles.withdraw(platform, admin)
        assert not admin.tenant.memberships.exists()

    def test_nor_by_being_given_a_lesser_role(self, platform: User) -> None:
        first = MembershipFactory.create(role=Role.ADMIN)
        second = MembershipFactory.create(tenant=first.tenant, role=Role.ADMIN)
        roles.give(first.user, first.tenant, second.user, Role.VIEWER)
        assert list(Membership.objects.filter(tenant=first.tenant, role=Role.ADMIN)) == [first]


class TestGroups:
    def test_a_mapping_is_as_directories_compare(self, admin: Membership) -> None:
        mapping = roles.map_group(
            admin.user, admin.tenant, "CN=Payments-Admins, OU=Groups, DC=corp, DC=example", Role.ADMIN
        )
        assert mapping.group_dn == GROUP
        assert (mapping.made_by, mapping.directory_id) == (admin.user, ENVIRONMENT)
        with pytest.raises(Conflict):
            roles.map_group(admin.user, admin.tenant, GROUP, Role.ADMIN)

    @pytest.mark.parametrize(
        "text", ["", "payments-admins", "cn=", "cn=a,", "=,=", "cn=a\0,dc=b", f"cn={'a' * 300},dc=b"]
    )
    def test_what_is_no_dn_is_refused(self, admin: Membership, text: str) -> None:
        with pytest.raises(Invalid):
            roles.map_group(admin.user, admin.tenant, text, Role.VIEWER)

    def test_a_tenant_s_administrator_gives_no_platform_role(self, admin: Membership) -> None:
        with pytest.raises(Invalid):
            roles.map_group(admin.user, admin.tenant, GROUP, "platform-admin")
        with pytest.raises(Forbidden):
            roles.map_group(admin.user, None, GROUP, "platform-admin")

    def test_undoing_takes_the_role_from_those_who_have_it_by_this_group(self, admin: Membership) -> None:
        mapping = roles.map_group(admin.user, admin.tenant, GROUP, Role.VIEWER)
        mine = MembershipFactory.create(tenant=admin.tenant, role=Role.VIEWER, source=Source.DIRECTORY, via=GROUP)
        other = MembershipFactory.create(
            tenant=admin.tenant, role=Role.VIEWER, source=Source.DIRECTORY, via="cn=b,dc=c"
        )
        assert roles.unmap(admin.user, mapping) == 1
        assert not Membership.objects.filter(pk=mine.pk).exists()
        assert Membership.objects.filter(pk=other.pk).exists()
        assert not GroupMapping.objects.filter(tenant=admin.tenant).exists()


class TestThePlatform:
    def test_the_last_administrator_stays(self, platform: User) -> None:
        grant = PlatformGrant.objects.get(user=platform)
        with pytest.raises(Conflict):
            roles.withdraw_platform(platform, grant)
        second = roles.give_platform(platform, UserFactory.create(), "platform-admin")
        roles.withdraw_platform(second.user, grant)
        assert [row.user for row in PlatformGrant.objects.all()] == [second.user]

    def test_nor_does_it_go_with_a_mapping(self, platform: User) -> None:
        mapping = roles.map_group(platform, None, GROUP, "platform-admin")
        PlatformGrant.objects.filter(user=platform).update(source=Source.DIRECTORY, via=GROUP)
        with pytest.raises(Conflict):
            roles.unmap(platform, mapping)

    def test_who_may_not(self, platform: User, admin: Membership) -> None:
        for somebody in (admin.user, PlatformGrantFactory.create(role="auditor").user):
            with pytest.raises(Forbidden):
                roles.give_platform(somebody, UserFactory.create(), "auditor")
        with pytest.raises(Forbidden):
            roles.give_platform(platform, platform, "auditor")


class TestWhy:
    def test_by_hand(self, admin: Membership) -> None:
        given = roles.give(admin.user, admin.tenant, UserFactory.create(), Role.OPERATOR)
        [reason] = roles.why(given.user, admin.tenant)
        assert (reason.role, reason.by, reason.at) == ("operator", admin.user.username, given.given_at)
        assert not reason.by_group

    def test_by_a_group_while_the_directory_is_away(self, admin: Membership) -> None:
        roles.map_group(admin.user, admin.tenant, GROUP, Role.VIEWER)
        user = UserFactory.create(directory_id="id-1", directory_source_id=ENVIRONMENT)
        MembershipFactory.create(tenant=admin.tenant, user=user, role=Role.VIEWER, source=Source.DIRECTORY, via=GROUP)
        with (
            patch("tenants.tracing.sources.config_of"),
            patch.object(tracing.Tracer, "chains", side_effect=DirectoryUnavailable("dc1: timed out")),
        ):
            [reason] = roles.why(user, admin.tenant)
        assert (reason.group, reason.by, reason.chain) == (GROUP, admin.user.username, None)
        assert "does not answer" in reason.unknown

    def test_by_groups_in_groups(self, admin: Membership) -> None:
        user = UserFactory.create(directory_id="id-1", directory_source_id=ENVIRONMENT)
        MembershipFactory.create(tenant=admin.tenant, user=user, role=Role.VIEWER, source=Source.DIRECTORY, via=GROUP)
        chain = ["CN=oncall,DC=corp", "CN=Payments-Admins,OU=groups,DC=corp,DC=example"]
        with (
            patch("tenants.tracing.sources.config_of"),
            patch.object(tracing.Tracer, "chains", return_value={GROUP: chain}),
        ):
            [reason] = roles.why(user, admin.tenant)
        assert reason.links == ["oncall", "Payments-Admins"]
        assert reason.unknown == ""
