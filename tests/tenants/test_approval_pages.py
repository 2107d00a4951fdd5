"""The pages of approvals and quotas: what each shows to whom, and what their forms do."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants import quotas, requests
from tenants.models import Membership, QuotaGrant, QuotaRequest, Role, Tenant, User
from tenants.views.pictures import Bar, Trend
from tests.factories import CloudFactory, ClusterFactory, MembershipFactory, PlanFactory, PlatformGrantFactory
from tests.permissions.people import browser_of

pytestmark = pytest.mark.django_db
Status = QuotaRequest.Status


@pytest.fixture
def admin() -> Membership:
    """Return an administrator of a tenant, with Chinese and English names."""
    return MembershipFactory.create(role=Role.ADMIN)


@pytest.fixture
def boss() -> User:
    """Return a platform administrator."""
    user: User = PlatformGrantFactory.create().user
    return user


def ask(admin: Membership, **extra: int) -> QuotaRequest:
    return requests.ask(admin.user, admin.tenant, extra or {"nodes": 6, "vcpu": 24}, reason="Double-12")


def limit(tenant: Tenant, kind: str) -> int | None:
    return quotas.limits_of(tenant)[kind]


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_inbox_shows_what_waits_and_the_first_of_it(admin: Membership, boss: User) -> None:
    made = ask(admin)
    page = text(browser_of(boss), "/approvals")
    assert f'id="request-{made.pk}"' in page
    assert 'id="decide"' in page
    assert "Double-12" in page
    assert '<span class="count hot" id="count-approvals">1</span>' in page


def test_who_asked_finds_it_under_their_own_and_may_withdraw_it(admin: Membership) -> None:
    made = ask(admin)
    client = browser_of(admin.user)
    assert f"request-{made.pk}" not in text(client, "/approvals")
    assert f"request-{made.pk}" in text(client, "/approvals?tab=mine")
    page = text(client, f"/approvals/{made.pk}?tab=mine")
    assert 'id="decide"' not in page
    assert client.post(f"/approvals/{made.pk}/withdraw", {"tab": "mine"}).status_code == 302
    made.refresh_from_db()
    assert made.status == Status.WITHDRAWN


def test_nobody_decides_their_own_request(admin: Membership) -> None:
    PlatformGrantFactory.create(user=admin.user)
    made = ask(admin)
    client = browser_of(admin.user)
    assert "It is your own request" in text(client, f"/approvals/{made.pk}")
    assert client.post(f"/approvals/{made.pk}/approve").status_code == 403
    made.refresh_from_db()
    assert made.pending


def test_a_part_is_granted_for_a_while(admin: Membership, boss: User) -> None:
    made = ask(admin)
    fields = {"granted-nodes": "4", "granted-vcpu": "0", "expires": "30", "comment": "for now", "tab": "waiting"}
    answer = browser_of(boss).post(f"/approvals/{made.pk}/approve", fields)
    assert answer.headers["Location"] == f"/approvals/{made.pk}?tab=waiting"
    assert (limit(admin.tenant, "nodes"), limit(admin.tenant, "vcpu")) == (24, 80)
    grant = QuotaGrant.objects.get(request=made)
    assert grant.expires_at is not None
    assert timedelta(days=29) < grant.expires_at - timezone.now() <= timedelta(days=30)
    page = text(browser_of(admin.user), f"/approvals/{made.pk}")
    assert "Approved in part" in page
    assert "for now" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"granted-nodes": "four"}, "four"),
        ({"granted-nodes": "7"}, "at most 6"),
        ({"granted-nodes": "0", "granted-vcpu": "0"}, "reject the request"),
        ({"expires": "date", "until": "tomorrow"}, "tomorrow"),
        ({"expires": "date", "until": "2001-01-01"}, "future"),
    ],
)
def test_a_wrong_amount_or_day_is_refused_and_what_was_typed_stays(
    admin: Membership, boss: User, fields: dict[str, str], said: str
) -> None:
    made = ask(admin)
    answer = browser_of(boss).post(f"/approvals/{made.pk}/approve", {"comment": "typed", **fields})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert said in page
    assert "typed</textarea>" in page
    made.refresh_from_db()
    assert made.pending


def test_rejecting_needs_a_comment(admin: Membership, boss: User) -> None:
    made = ask(admin)
    client = browser_of(boss)
    assert client.post(f"/approvals/{made.pk}/reject", {"comment": "  "}).status_code == 400
    assert client.post(f"/approvals/{made.pk}/reject", {"comment": "not now"}).status_code == 302
    made.refresh_from_db()
    assert (made.status, made.comment) == (Status.REJECTED, "not now")


def test_a_second_decision_is_told_who_was_first(admin: Membership, boss: User) -> None:
    made = ask(admin)
    requests.approve(boss, made, {"nodes": 6})
    other = browser_of(PlatformGrantFactory.create().user)
    answer = other.post(f"/approvals/{made.pk}/reject", {"comment": "no"})
    assert answer.status_code == 409
    assert boss.username in answer.content.decode()


def test_what_is_typed_is_told_at_once(admin: Membership, boss: User) -> None:
    made = ask(admin)
    part = text(browser_of(boss), f"/approvals/{made.pk}/after?granted-nodes=2")
    assert '<b id="after-nodes" hx-swap-oob="true">22</b>' in part
    assert '<b id="after-vcpu" hx-swap-oob="true">104</b>' in part


def test_several_are_decided_together_after_a_summary(admin: Membership, boss: User) -> None:
    first, second = ask(admin, nodes=2), ask(admin, nodes=3)
    client = browser_of(boss)
    query = f"?decision=approve&id={first.pk}&id={second.pk}"
    assert "+5" in text(client, f"/approvals/summary{query}", **{"HX-Request": "true"})
    requests.approve(boss, first, {"nodes": 2})
    done = client.post("/approvals/decide", {"decision": "approve", "id": [str(first.pk), str(second.pk)]})
    assert "It is decided already" in done.content.decode()
    assert limit(admin.tenant, "nodes") == 25


def test_the_feed_reads_the_list_and_the_request_alone(admin: Membership, boss: User) -> None:
    made = ask(admin)
    client = browser_of(boss)
    part = text(client, "/approvals?tab=waiting", **{"HX-Request": "true"})
    assert "<html" not in part
    assert f"request-{made.pk}" in part
    assert text(client, f"/approvals/{made.pk}", **{"HX-Request": "true"}).strip().startswith("<article")


def test_the_quota_page_tells_what_is_not_limited_and_not_measured(admin: Membership) -> None:
    quotas.set_limits(PlatformGrantFactory.create().user, admin.tenant, {"storage_gib": None})
    page = text(browser_of(admin.user), f"/tenants/{admin.tenant.slug}/quota")
    assert "unlimited" in page
    assert "not measured yet" in page
    assert 'id="limits-dialog"' not in page


def test_an_administrator_asks_for_more_beforehand(admin: Membership) -> None:
    client, path = browser_of(admin.user), f"/tenants/{admin.tenant.slug}/quota/ask"
    assert client.post(path, {"extra-nodes": "5", "reason": ""}).status_code == 400
    answer = client.post(path, {"extra-nodes": "5", "extra-vcpu": "", "reason": "soon"})
    made = QuotaRequest.objects.get()
    assert answer.headers["Location"] == f"/approvals/{made.pk}"
    assert [(line.kind, line.asked) for line in made.lines.all()] == [("nodes", 5)]


def test_limits_are_previewed(admin: Membership, boss: User) -> None:
    path = f"/tenants/{admin.tenant.slug}/quota/limits/preview"
    kept = "&limit-clusters=4&limit-vcpu=80&limit-memory_gib=160"
    page = text(browser_of(boss), f"{path}?limit-nodes=7{kept}", **{"HX-Request": "true"})
    assert "20 → <b>7</b>" in page
    assert limit(admin.tenant, "nodes") == 20


def test_a_trend_leaves_unknown_days_blank() -> None:
    trend = Trend(label="Nodes", days=[None, 2, 2, None, 4], limit=4)
    assert len(trend.parts) == 2
    assert trend.parts[0].line == "M20.00 21.50V21.50H40.00V21.50H60.00"
    assert trend.limit_y == "3.00"
    assert trend.said == "between 2 and 4 a day; 2 days not known"
    assert Trend(label="Nodes", days=[None] * 30, limit=None).parts == []


def test_a_bar_never_leaves_its_place() -> None:
    bar = Bar(said="", total=10, used=8, adds=5)
    assert (bar.now, bar.more, bar.over) == ("80.00", "20.00", True)


def test_all_of_it_in_chinese(admin: Membership, boss: User) -> None:
    made: Any = ask(admin)
    client = browser_of(boss)
    client.cookies["pks_language"] = "zh-hans"
    assert f"request-{made.pk}" in text(client, "/approvals")


WISH = {"name": "big", "plan": "small", "nodes": "10", "version": "1.37.2", "cloud": "simulated"}


@pytest.fixture
def tight(admin: Membership) -> Membership:
    """Return the administrator of a tenant that may have four nodes."""
    CloudFactory.create()
    PlanFactory.create()
    quotas.set_limits(PlatformGrantFactory.create().user, admin.tenant, {"nodes": 4})
    return admin


def test_a_wish_over_the_quota_becomes_a_request_on_the_form(tight: Membership) -> None:
    client, wish = browser_of(tight.user), {**WISH, "tenant": tight.tenant.slug}
    part = client.get("/clusters/new/preview", wish).content.decode()
    assert 'name="extra-nodes" type="number" inputmode="numeric" min="6" value="6"' in part
    assert "Request approval" in part
    raised = client.get("/clusters/new/preview", {**wish, "extra-nodes": "9", "needed-nodes": "6"}).content.decode()
    assert 'min="6" value="9"' in raised
    fits = client.get("/clusters/new/preview", {**wish, "nodes": "4"}).content.decode()
    assert "extra-nodes" not in fits
    assert "Create cluster" in fits


def test_sent_without_the_request_it_is_shown_as_one_and_is_no_error(tight: Membership) -> None:
    answer = browser_of(tight.user).post("/clusters/new", {**WISH, "tenant": tight.tenant.slug})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'name="extra-nodes"' in page
    assert 'class="note bad"' not in page
    assert not QuotaRequest.objects.exists()


def test_a_request_needs_a_reason_and_leads_to_the_held_task(tight: Membership) -> None:
    client = browser_of(tight.user)
    fields = {**WISH, "tenant": tight.tenant.slug, "ask": "1", "extra-nodes": "8", "least": "2", "key": "once"}
    refused = client.post("/clusters/new", fields)
    assert refused.status_code == 422
    assert 'id="reason-problem"' in refused.content.decode()
    answer = client.post("/clusters/new", {**fields, "reason": "Double-12"})
    made = QuotaRequest.objects.get()
    assert answer.headers["Location"] == f"/tasks/{made.wish}"
    assert [(line.kind, line.asked) for line in made.lines.all()] == [("nodes", 8)]
    assert (made.size["nodes"], made.size["least"], made.reason) == (10, 2, "Double-12")
    page = text(client, f"/tasks/{made.wish}")
    assert f"/approvals/{made.pk}" in page
    assert "It waits until somebody approves" in page


def test_a_request_that_has_become_needless_makes_the_cluster(tight: Membership) -> None:
    fields = {**WISH, "nodes": "3", "tenant": tight.tenant.slug, "ask": "1", "reason": "Double-12"}
    answer = browser_of(tight.user).post("/clusters/new", fields)
    assert answer.headers["Location"].startswith("/clusters/")
    assert not QuotaRequest.objects.exists()


def test_scaling_over_the_quota_asks_too(tight: Membership) -> None:
    cluster = ClusterFactory.create(tenant=tight.tenant, nodes=3)
    client, path = browser_of(tight.user), f"/clusters/{cluster.pk}/scale"
    assert 'name="extra-nodes"' in client.get(f"{path}/preview?nodes=7").content.decode()
    answer = client.post(path, {"nodes": "7", "ask": "1", "extra-nodes": "3", "reason": "more", "least": "5"})
    made = QuotaRequest.objects.get()
    assert answer.headers["Location"] == f"/tasks/{made.wish}"
    assert made.size["least"] == 5


def test_the_nodes_tie_the_amounts_of_a_wish_together(tight: Membership, boss: User) -> None:
    fields = {**WISH, "tenant": tight.tenant.slug, "ask": "1", "reason": "Double-12", "least": "5"}
    browser_of(tight.user).post("/clusters/new", fields)
    made = QuotaRequest.objects.get()
    client = browser_of(boss)
    part = client.get(f"/approvals/{made.pk}/after?by=nodes&nodes=6").content.decode()
    assert 'name="granted-nodes" type="number" inputmode="numeric" min="0" max="6" value="2"' in part
    typed = client.get(f"/approvals/{made.pk}/after?granted-nodes=0").content.decode()
    assert "stays held" in typed
