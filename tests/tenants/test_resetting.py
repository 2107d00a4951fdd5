"""Removing somebody's second factors, and who is told when a tenant loses its last administrator."""

import pytest
from allauth.mfa.models import Authenticator

from pks_portal.errors import Forbidden, Invalid
from tenants import leaving, resetting
from tenants.models import AuditEntry, Notice, PlatformRole, Role, User
from tests.factories import MembershipFactory, PlatformGrantFactory

pytestmark = pytest.mark.django_db


def admin() -> User:
    return PlatformGrantFactory.create(role=PlatformRole.PLATFORM_ADMIN).user


def with_factor() -> User:
    user = MembershipFactory.create().user
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return user


def test_factors_go_sessions_end_and_both_books_say_so() -> None:
    user, actor = with_factor(), admin()
    epoch = user.session_epoch
    assert resetting.reset(actor, user, " lost phone, known by badge ") == 1
    assert not Authenticator.objects.filter(user=user).exists()
    assert User.objects.get(pk=user.pk).session_epoch == epoch + 1
    entry = AuditEntry.objects.get(action="mfa.reset")
    assert entry.actor == actor
    assert entry.facts["reason"] == "lost phone, known by badge"
    assert Notice.objects.filter(user=user, kind="mfa.reset").exists()


def test_nobody_resets_themselves_or_without_reason_or_right() -> None:
    user, actor = with_factor(), admin()
    with pytest.raises(Invalid):
        resetting.reset(actor, user, "  ")
    with pytest.raises(Forbidden):
        resetting.reset(user, actor, "mine to take")
    with pytest.raises(Forbidden):
        resetting.reset(actor, actor, "mine")
    assert Authenticator.objects.filter(user=user).count() == 1


@pytest.mark.parametrize(("role", "another", "told"), [("admin", False, 1), ("admin", True, 0), ("viewer", False, 0)])
def test_the_platform_is_told_of_a_tenant_whose_last_administrator_left(role: str, another: bool, told: int) -> None:
    actor = admin()
    leaver = MembershipFactory.create(role=role)
    if another:
        MembershipFactory.create(tenant=leaver.tenant, role=Role.ADMIN)
    leaving.deactivate(leaver.user, by=None, reason="disabled in the directory")
    assert Notice.objects.filter(user=actor, kind="tenant.without_admin").count() == told
