"""More than the limits: asked for, granted in part or in whole, for good or for a while, refused, taken back."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden, Invalid, QuotaExceeded
from tenants import grants, holdings, leaving, quotas, requests
from tenants.automation import accounts, tokens
from tenants.models import AuditEntry, Notice, QuotaLimit, QuotaUsage, Role
from tests.factories import MembershipFactory, PlatformGrantFactory, TenantFactory

pytestmark = pytest.mark.django_db
SUBJECT = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def tenant() -> Any:
    return TenantFactory.create(quota={"nodes": 10})


@pytest.fixture
def admin(tenant: Any) -> Any:
    return MembershipFactory.create(tenant=tenant, role=Role.ADMIN).user


@pytest.fixture
def boss() -> Any:
    return PlatformGrantFactory.create().user


def line(tenant: Any, kind: str = "nodes") -> quotas.Line:
    return next(line for line in quotas.lines(tenant) if line.kind == kind)


def test_a_grant_counts_on_top_of_the_limit(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 4, "vcpu": 8}, reason="launch")
    assert list(requests.waiting_for(boss)) == [request]
    assert Notice.objects.get(user=boss).kind == "quota.requested"
    requests.approve(boss, request, {"nodes": 3}, comment="part")
    assert (line(tenant).limit, line(tenant, "vcpu").limit) == (13, 80)
    request.refresh_from_db()
    assert (request.status, request.decided_by, request.comment) == ("approved", boss, "part")
    assert [row.granted for row in request.lines.all()] == [3, 0]
    assert Notice.objects.get(user=admin).kind == "quota.approved"
    quotas.reserve(tenant, SUBJECT, {"nodes": 13})  # type: ignore[arg-type]
    with pytest.raises(QuotaExceeded) as refusal:
        quotas.reserve(tenant, SUBJECT, {"nodes": 14, "vcpu": 81})  # type: ignore[arg-type]
    assert [one["resource"] for one in refusal.value.facts["exceeded"]] == ["nodes", "vcpu"]
    deeds = AuditEntry.objects.filter(tenant=tenant).values_list("action", flat=True)
    assert set(deeds) == {"quota.ask", "quota.approve"}


def test_nobody_decides_on_their_own_request(tenant: Any, boss: Any) -> None:
    MembershipFactory.create(tenant=tenant, user=boss, role=Role.ADMIN)
    request = requests.ask(boss, tenant, {"nodes": 1}, reason="mine")
    assert not requests.may_decide(boss, request)
    for decide in (lambda: requests.approve(boss, request, {"nodes": 1}), lambda: requests.reject(boss, request, "no")):
        with pytest.raises(Forbidden) as refusal:
            decide()
        assert refusal.value.code == "own-request"
    assert not requests.waiting_for(boss).exists()


@pytest.mark.parametrize("mine", ["made", "token", "rotated"])
def test_nobody_decides_on_the_request_of_their_own_program(tenant: Any, admin: Any, boss: Any, mine: str) -> None:
    other = PlatformGrantFactory.create().user
    account = accounts.create(boss if mine == "made" else admin, tenant, accounts.Wish(name="ci", role=Role.ADMIN))
    if mine != "made":
        token, _text = tokens.issue(boss if mine == "token" else admin, account.user, tokens.Wish("t", ["quota"], 5))
    if mine == "rotated":
        tokens.rotate(boss, token, grace_hours=0)
    request = requests.ask(account.user, tenant, {"nodes": 1}, reason="mine")
    assert not requests.may_decide(boss, request)
    for decide in (lambda: requests.approve(boss, request, {"nodes": 1}), lambda: requests.reject(boss, request, "no")):
        with pytest.raises(Forbidden) as refusal:
            decide()
        assert refusal.value.code == "own-request"
    assert not requests.waiting_for(boss).exists()
    assert list(requests.waiting_for(other)) == [request]
    assert set(Notice.objects.filter(kind="quota.requested").values_list("user", flat=True)) == {other.pk}
    requests.approve(other, request, {"nodes": 1})


def test_a_decision_counts_once(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 2}, reason="x")
    requests.reject(boss, request, "not now")
    other = PlatformGrantFactory.create().user
    with pytest.raises(Conflict) as refusal:
        requests.approve(other, request, {"nodes": 2})
    assert refusal.value.facts["by"] == boss.username
    with pytest.raises(Conflict):
        requests.withdraw(admin, request)
    assert line(tenant).limit == 10


@pytest.mark.parametrize("granted", [{}, {"nodes": 0}, {"nodes": 3}, {"vcpu": 1}, {"nodes": -1}])
def test_only_what_is_asked_can_be_granted(tenant: Any, admin: Any, boss: Any, granted: dict[str, int]) -> None:
    request = requests.ask(admin, tenant, {"nodes": 2}, reason="x")
    with pytest.raises(Invalid):
        requests.approve(boss, request, granted)
    assert line(tenant).limit == 10


def test_who_may_ask_and_decide(tenant: Any, admin: Any) -> None:
    operator = MembershipFactory.create(tenant=tenant, role=Role.OPERATOR).user
    with pytest.raises(Forbidden):
        requests.ask(operator, tenant, {"nodes": 1}, reason="x")
    for extra in ({}, {"nodes": 0}, {"cows": 1}, {"nodes": -1}, {"nodes": 10**10}):
        with pytest.raises(Invalid):
            requests.ask(admin, tenant, extra, reason="x")
    with pytest.raises(Invalid):
        requests.ask(admin, tenant, {"nodes": 1}, reason=" ")
    request = requests.ask(admin, tenant, {"nodes": 1}, reason="x")
    for actor in (operator, admin):
        with pytest.raises(Forbidden):
            requests.approve(actor, request, {"nodes": 1})
    with pytest.raises(Forbidden):
        requests.withdraw(operator, request)
    stranger = MembershipFactory.create(role=Role.ADMIN).user
    assert not requests.visible_to(stranger).exists()
    assert request in requests.visible_to(operator)
    requests.withdraw(MembershipFactory.create(tenant=tenant, role=Role.ADMIN).user, request)
    assert list(requests.asked_by(admin)) == [request] == list(requests.history(admin))


def test_a_reason_is_needed_to_refuse(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 2}, reason="x")
    with pytest.raises(Invalid):
        requests.reject(boss, request, " ")
    requests.reject(boss, request, "no room")
    assert "no room" in Notice.objects.get(user=admin).text


def test_a_grant_ends_by_the_clock_and_what_runs_stays(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 5}, reason="x")
    with pytest.raises(Invalid):
        requests.approve(boss, request, {"nodes": 5}, expires_at=timezone.now())
    requests.approve(boss, request, {"nodes": 5}, expires_at=timezone.now() + timedelta(days=1))
    quotas.reserve(tenant, SUBJECT, {"nodes": 15})  # type: ignore[arg-type]
    assert grants.end_due() == 0
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert line(tenant).limit == 10  # before anybody noted it
        assert (grants.end_due(), grants.end_due()) == (1, 0)
        assert line(tenant).used == 15
        quotas.reserve(tenant, SUBJECT, {"nodes": 14})  # type: ignore[arg-type]
        with pytest.raises(QuotaExceeded):
            quotas.reserve(tenant, SUBJECT, {"nodes": 15})  # type: ignore[arg-type]
    assert Notice.objects.get(user=admin, kind="quota.expired").text.endswith("is over: Nodes: 5")


def test_no_limit_and_not_measured_are_not_zero(tenant: Any, admin: Any, boss: Any) -> None:
    quotas.set_limits(boss, tenant, {"nodes": None, "storage_gib": 7})
    quotas.reserve(tenant, SUBJECT, {"nodes": 10**6})  # type: ignore[arg-type]
    assert (line(tenant).limit, line(tenant).used, line(tenant).over) == (None, 10**6, False)
    assert (line(tenant, "storage_gib").limit, line(tenant, "storage_gib").used) == (7, None)
    with pytest.raises(Invalid):
        requests.ask(admin, tenant, {"nodes": 1}, reason="x")
    with pytest.raises(Forbidden):
        quotas.set_limits(admin, tenant, {"nodes": 9})
    QuotaLimit.objects.filter(tenant=tenant, kind="registry_gib").delete()
    assert line(tenant, "registry_gib").limit == 0


def test_the_trend_carries_days_on_and_knows_nothing_before_the_first(tenant: Any) -> None:
    now = timezone.now().replace(hour=12)
    with time_machine.travel(now - timedelta(days=40), tick=False):
        quotas.reserve(tenant, SUBJECT, {"nodes": 3})  # type: ignore[arg-type]
    with time_machine.travel(now - timedelta(days=2), tick=False):
        quotas.reserve(tenant, SUBJECT, {"nodes": 9})  # type: ignore[arg-type]
        quotas.reserve(tenant, SUBJECT, {"nodes": 4})  # type: ignore[arg-type]
    with time_machine.travel(now, tick=False):
        quotas.release(SUBJECT)  # type: ignore[arg-type]
        assert quotas.trend(tenant)["nodes"] == [3] * 27 + [9, 4, 4]
        assert quotas.trend(tenant)["vcpu"] == [None] * 30
        assert "storage_gib" not in quotas.trend(tenant)
    assert QuotaUsage.objects.filter(tenant=tenant, kind="nodes").count() == 3


def test_other_tenants_requests_are_shown_to_deciders_only(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 2}, reason="x")
    second = requests.ask(admin, tenant, {"nodes": 1}, reason="y")
    assert requests.context(request, admin).waiting == [second]
    assert requests.context(request, boss).trend.keys() == {"clusters", "nodes", "vcpu", "memory_gib", "registry_gib"}


def test_what_a_leaver_asked_for_lapses(tenant: Any, admin: Any, boss: Any) -> None:
    request = requests.ask(admin, tenant, {"nodes": 2}, reason="x")
    assert [held.kind for held in holdings.of_person(admin)] == ["request"]
    requests.lapse_left()
    leaving.deactivate(admin, by=boss, reason="gone")
    requests.lapse_left()
    request.refresh_from_db()
    assert request.status == "lapsed"
    assert not requests.waiting_for(boss).exists()
