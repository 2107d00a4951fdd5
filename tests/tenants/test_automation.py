"""Service accounts and tokens: what they may do, how they are narrowed, and how they end."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisGone
from rest_framework.test import APIClient

from pks_portal.errors import Forbidden, Invalid
from tenants.access import ROLES_FOR, may, people_where
from tenants.api import limits
from tenants.automation import accounts, expiring, tokens
from tenants.models import ApiToken, AuditEntry, Membership, Notice, PlatformRole, Role, ServiceAccount, Tenant, User
from tenants.scopes import SCOPE_OF, Scope, scope_of
from tests.factories import (
    CloudFactory,
    ClusterFactory,
    MembershipFactory,
    PlanFactory,
    PlatformGrantFactory,
    TenantFactory,
    UserFactory,
)
from tests.tools import client_of

ALL = [scope.value for scope in Scope]
HERE = "127.0.0.1"


@pytest.fixture
def admin(db: None) -> Membership:
    CloudFactory.create(), PlanFactory.create()
    return MembershipFactory.create(role=Role.ADMIN)


@pytest.fixture
def account(admin: Membership) -> ServiceAccount:
    return accounts.create(admin.user, admin.tenant, accounts.Wish("ci", Role.OPERATOR, "the pipeline"))


def issued(actor: User, owner: User, *scopes: str, networks: list[str] | None = None, days: int = 30) -> str:
    name = f"token-{ApiToken.objects.count()}"
    return tokens.issue(actor, owner, tokens.Wish(name, list(scopes) or ALL[:-1], days, networks or []))[1]


def bearer(token: str, **more: Any) -> APIClient:
    return APIClient(headers={"authorization": f"Bearer {token}"}, **more)


def test_every_action_is_in_one_scope_or_is_for_people_alone() -> None:
    unsorted = {action for action in ROLES_FOR if scope_of(action) is None and action.partition(".")[0] not in SCOPE_OF}
    assert unsorted == set(), "name their kind in tenants/scopes.py"
    assert {action for action in ROLES_FOR if scope_of(action) is None} >= {"token.manage"}


def test_an_account_acts_as_what_it_is(admin: Membership, account: ServiceAccount) -> None:
    client = bearer(issued(admin.user, account.user))
    assert client.get("/api/v1/me").json()["username"] == f"{admin.tenant.slug}/ci"
    wish = {"tenant": admin.tenant.slug, "name": "built", "plan": "small", "nodes": 1, "version": "1.37.2"}
    made = client.post("/api/v1/clusters", wish, format="json")
    assert made.status_code == 202
    assert made.json()["task"]["actor"] == f"{admin.tenant.slug}/ci"
    assert AuditEntry.objects.get(action="cluster.create").actor == account.user


def test_it_is_nobody_to_tell_or_to_sign_in(admin: Membership, account: ServiceAccount) -> None:
    accounts.set_role(admin.user, account, Role.ADMIN)
    assert account.user not in people_where("token.manage", admin.tenant)
    assert not account.user.has_usable_password()
    assert not Client().login(username=account.user.username, password="")
    with pytest.raises(ValueError, match="tokens only"):
        account.user.set_password("x")


def test_no_person_can_have_such_a_name(db: None) -> None:
    for kind, name in (("person", "payments/ci"), ("service", "ci")):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username=name, kind=kind)


def test_no_role_above_ones_own_and_none_on_the_platform(admin: Membership) -> None:
    developer = MembershipFactory.create(tenant=admin.tenant, role=Role.DEVELOPER).user
    assert [role for role in Role if accounts.may_give(developer, admin.tenant, role)] == [Role.VIEWER, Role.DEVELOPER]
    for role in PlatformRole:
        with pytest.raises(Invalid):
            accounts.create(admin.user, admin.tenant, accounts.Wish("ci", role))
    with pytest.raises(Forbidden):
        accounts.create(developer, admin.tenant, accounts.Wish("ci", Role.VIEWER))


def test_stopped_it_is_let_in_nowhere_until_it_goes_on(admin: Membership, account: ServiceAccount) -> None:
    client = bearer(issued(admin.user, account.user))
    accounts.set_disabled(admin.user, account, disabled=True)
    assert client.get("/api/v1/me").status_code == 401
    accounts.set_disabled(admin.user, account, disabled=False)
    assert client.get("/api/v1/me").status_code == 200


def test_deleted_its_name_is_free_and_its_past_stays(admin: Membership, account: ServiceAccount) -> None:
    client = bearer(issued(admin.user, account.user))
    wish = {"tenant": admin.tenant.slug, "name": "built", "plan": "small", "nodes": 1, "version": "1.37.2"}
    assert client.post("/api/v1/clusters", wish, format="json").status_code == 202
    accounts.delete(admin.user, account)
    assert client.get("/api/v1/me").status_code == 401
    again = accounts.create(admin.user, admin.tenant, accounts.Wish("ci", Role.VIEWER))
    assert again.user.pk != account.user.pk
    assert AuditEntry.objects.get(action="cluster.create").actor_name == f"{admin.tenant.slug}/ci"


def test_only_hashes_are_kept(admin: Membership) -> None:
    secret = issued(admin.user, admin.user).split("_", 2)[2]
    kept = str(list(ApiToken.objects.values())) + str(list(AuditEntry.objects.values()))
    assert secret not in kept
    assert hashlib.sha256(secret.encode()).hexdigest() in kept


@pytest.mark.parametrize("scopes", [["read"], ["clusters"], ["kubeconfig"], ["read", "clusters"], ["quota"]])
def test_a_token_does_what_its_scopes_say_and_no_more(admin: Membership, scopes: list[str]) -> None:
    admin.user.scope = frozenset(scopes)
    for action in ROLES_FOR:
        inside = scope_of(action) in scopes and Role.ADMIN in ROLES_FOR[action]
        assert bool(may(admin.user, action, admin.tenant)) is inside, action


def test_over_rest_what_is_outside_the_scope_is_not_there_or_forbidden(admin: Membership) -> None:
    cluster = ClusterFactory.create(tenant=admin.tenant)
    reads, changes = bearer(issued(admin.user, admin.user, "read")), bearer(issued(admin.user, admin.user, "clusters"))
    assert [row["id"] for row in reads.get("/api/v1/clusters").json()["items"]] == [str(cluster.pk)]
    refused = reads.delete(f"/api/v1/clusters/{cluster.pk}")
    assert (refused.status_code, "clusters" in refused.json()["detail"]) == (403, True)
    assert changes.get("/api/v1/clusters").json()["items"] == []
    assert changes.delete(f"/api/v1/clusters/{cluster.pk}").status_code == 404


def test_a_token_narrows_a_platform_role_too(admin: Membership) -> None:
    boss = PlatformGrantFactory.create().user
    client = bearer(issued(boss, boss, "read"))
    assert {row["slug"] for row in client.get("/api/v1/tenants").json()["items"]} == {admin.tenant.slug}
    assert client.post("/api/v1/versions/1.37.2/prepare").status_code == 403


def test_no_token_makes_tokens(admin: Membership, account: ServiceAccount) -> None:
    accounts.set_role(admin.user, account, Role.ADMIN)
    of_account = f"/api/v1/tenants/{admin.tenant.slug}/service-accounts"
    for token in (issued(admin.user, admin.user), issued(admin.user, account.user)):
        client = bearer(token)
        for path in ("/api/v1/me/tokens", of_account, f"{of_account}/ci/tokens"):
            body = {"name": "more", "scopes": ["read"]} if path.endswith("tokens") else {"name": "x", "role": "viewer"}
            assert client.post(path, body, format="json").status_code == 403, path
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ([], "203.0.113.9", 200), (["127.0.0.0/8"], HERE, 200), (["10.0.0.0/8", HERE], HERE, 200),
        (["10.0.0.0/8"], HERE, 401), (["127.0.0.0/8"], "::ffff:127.0.0.1", 200), (["fd00::/8"], "fd00::1", 200),
        (["fd00::/8"], HERE, 401),
    ],
)  # fmt: skip
def test_a_token_comes_from_its_networks_only(
    admin: Membership, networks: list[str], address: str, status: int
) -> None:
    client = bearer(issued(admin.user, admin.user, networks=networks), REMOTE_ADDR=address)
    answers = [client.get("/api/v1/me", REMOTE_ADDR=address) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {status}
    refused = AuditEntry.objects.filter(action="token.refused").count()
    assert refused == (1 if status == 401 else 0), "once a minute"
    assert (address in answers[0].json().get("detail", "")) is (status == 401)


def test_a_wrong_network_is_told_to_who_knows_the_secret_only(admin: Membership) -> None:
    token = issued(admin.user, admin.user, networks=["10.0.0.0/8"])
    guess = bearer(token[:-3] + "xyz").get("/api/v1/me")
    assert guess.status_code == 401
    assert guess.json()["detail"] == bearer("pks_x_y").get("/api/v1/me").json()["detail"]
    assert not AuditEntry.objects.filter(action="token.refused").exists()


def test_it_ends_and_says_when_it_was_used(admin: Membership) -> None:
    client = bearer(issued(admin.user, admin.user, days=7))
    client.get("/api/v1/me")
    row = ApiToken.objects.get()
    assert (row.last_address, bool(row.last_used_at)) == (HERE, True)
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        client.get("/api/v1/me")
    assert ApiToken.objects.get().last_used_at == row.last_used_at, "at most once a minute"
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("grace", [0, 4])
def test_rotating_keeps_the_old_secret_as_long_as_chosen(admin: Membership, grace: int) -> None:
    old = issued(admin.user, admin.user)
    row = ApiToken.objects.get()
    new = tokens.rotate(admin.user, row, grace_hours=grace)
    assert new != old
    assert bearer(new).get("/api/v1/me").status_code == 200
    assert bearer(old).get("/api/v1/me").status_code == (200 if grace else 401)
    with time_machine.travel(timezone.now() + timedelta(hours=grace, seconds=1)):
        assert bearer(old).get("/api/v1/me").status_code == 401
        assert bearer(new).get("/api/v1/me").status_code == 200
    ended = ApiToken.objects.get()
    assert ended.expires_at == row.expires_at, "its end does not move"


def test_revoked_it_is_dead_at_once(admin: Membership) -> None:
    client = bearer(issued(admin.user, admin.user))
    tokens.revoke(admin.user, ApiToken.objects.get())
    assert client.get("/api/v1/me").status_code == 401
    assert AuditEntry.objects.filter(action="token.revoke").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"scopes": []}, "scopes"), ({"scopes": ["all"]}, "scopes"), ({"days": 0}, "days"),
        ({"days": 91}, "days"), ({"networks": ["10.0.0.1/8"]}, "networks"), ({"networks": ["here"]}, "networks"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_named(admin: Membership, change: dict[str, Any], field: str) -> None:
    wish = {"name": "t", "scopes": ["read"], "days": 30, "networks": [], **change}
    with pytest.raises(Invalid) as refused:
        tokens.issue(admin.user, admin.user, tokens.Wish(**wish))
    assert refused.value.field == field
    assert not ApiToken.objects.exists()


def test_nobody_makes_tokens_of_somebody_else(admin: Membership) -> None:
    other = MembershipFactory.create(tenant=admin.tenant).user
    with pytest.raises(Forbidden):
        issued(admin.user, other)


def test_who_leaves_leaves_no_token_but_their_accounts(admin: Membership, account: ServiceAccount) -> None:
    from tenants import holdings, leaving

    mine, its = bearer(issued(admin.user, admin.user)), bearer(issued(admin.user, account.user))
    leaving.deactivate(admin.user, by=None, reason="left")
    assert mine.get("/api/v1/me").status_code == 401
    assert its.get("/api/v1/me").status_code == 200
    assert not admin.user.api_tokens.exists()
    assert "ci" in {held.name for held in holdings.of_person(admin.user)}


def test_before_it_ends_it_is_told_once_to_who_can_rotate_it(admin: Membership, account: ServiceAccount) -> None:
    MembershipFactory.create(tenant=admin.tenant, role=Role.OPERATOR)
    issued(admin.user, account.user, days=30)
    issued(admin.user, admin.user, days=30)
    issued(admin.user, admin.user, days=3)
    assert expiring.warn() == 0, "not when it has just been made for a few days"
    with time_machine.travel(timezone.now() + timedelta(days=24)):
        assert [expiring.warn(), expiring.warn()] == [2, 0]
    told = Notice.objects.order_by("kind").values_list("kind", "user", "args__owner")
    assert list(told) == [
        ("account.token_expiring", admin.user.pk, admin.user.username),
        ("token.expiring", admin.user.pk, account.user.username),
    ]


class TestLimits:
    def test_reading_and_changing_are_counted_apart(self, admin: Membership, settings: Any) -> None:
        settings.API_READS_PER_MINUTE, settings.API_CHANGES_PER_MINUTE = 3, 1
        client = bearer(issued(admin.user, admin.user))
        with time_machine.travel("2026-01-01T00:00:10Z", tick=False):
            ApiToken.objects.update(expires_at="2027-01-01T00:00Z")
            reads = [client.get("/api/v1/me") for _ in range(4)]
            assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
            assert [answer["RateLimit-Remaining"] for answer in reads] == ["2", "1", "0", "0"]
            assert (reads[0]["RateLimit-Limit"], reads[0]["RateLimit-Reset"]) == ("3", "50")
            assert (reads[3]["Retry-After"], reads[3]["Content-Type"]) == ("50", "application/problem+json")
            assert reads[3].json()["code"] == "rate-limited"
            changes = [client.post("/api/v1/clusters", {}, format="json").status_code for _ in range(2)]
            assert changes == [400, 429]
        with time_machine.travel("2026-01-01T00:01:00Z", tick=False):
            assert client.get("/api/v1/me").status_code == 200

    def test_each_token_has_its_own(self, admin: Membership, settings: Any) -> None:
        settings.API_READS_PER_MINUTE = 1
        first, second = bearer(issued(admin.user, admin.user)), bearer(issued(admin.user, admin.user))
        assert [client.get("/api/v1/me").status_code for client in (first, second, first)] == [200, 200, 429]

    def test_strangers_are_limited_by_address(self, db: None, settings: Any) -> None:
        settings.API_PER_ADDRESS_PER_MINUTE = 2
        statuses = [bearer("pks_x_y").get("/api/v1/me").status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        assert APIClient().get("/api/v1/me", REMOTE_ADDR="203.0.113.7").status_code == 401

    def test_without_redis_nothing_is_refused(
        self, admin: Membership, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.API_READS_PER_MINUTE = 1
        asked: list[str] = []

        def gone(key: str, *args: Any, **kwargs: Any) -> None:
            asked.append(key)
            raise RedisGone

        monkeypatch.setattr(cache, "add", gone)
        monkeypatch.setattr(limits._Away, "until", 0.0)
        client = client_of(admin.user)
        assert [client.get("/api/v1/me").status_code for _ in range(5)] == [200] * 5
        assert len(asked) == 1, "a Redis that hangs is left alone for a while"
        monkeypatch.setattr(limits._Away, "until", 0.0)


class TestPages:
    @pytest.fixture
    def page(self, admin: Membership) -> Client:
        client = Client()
        client.force_login(admin.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    @pytest.fixture(autouse=True)
    def confirmed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tenants.stepup.is_fresh", lambda _request: True)

    def test_an_account_and_its_token(self, page: Client, admin: Membership) -> None:
        here = f"/tenants/{admin.tenant.slug}/automation"
        assert b"No service account yet" in page.get(here).content
        assert page.post(f"{here}/new", {"name": "ci", "role": "operator", "about": "x"}).status_code == 302
        shown = page.post(
            f"{here}/ci/tokens", {"name": "build", "scopes": ["read"], "days": "30", "networks": "10.0.0.0/8"},
            headers={"HX-Request": "true"},
        )  # fmt: skip
        text = shown.content.decode()
        assert shown["Cache-Control"] == "no-store"
        token = ApiToken.objects.get()
        assert f"pks_{token.pk.hex}_" in text
        assert token.networks == ["10.0.0.0/8"]
        listed = page.get(here).content.decode()
        assert "build" in listed
        assert f"pks_{token.pk.hex}_" not in listed
        assert "never" in listed
        rotated = page.post(f"/tokens/{token.pk}/rotate", {"grace_hours": "1"}, headers={"HX-Request": "true"})
        assert f"pks_{token.pk.hex}_" in rotated.content.decode()
        assert page.post(f"/tokens/{token.pk}/revoke").status_code == 302
        assert page.post(f"{here}/ci/change", {"disabled": "1"}).status_code == 302
        assert b"Stopped" in page.get(here).content
        assert page.post(f"{here}/ci/delete").status_code == 302
        assert not ServiceAccount.objects.filter(deleted_at=None).exists()

    def test_what_is_wrong_is_said_where_it_was_typed(self, page: Client, admin: Membership) -> None:
        here = f"/tenants/{admin.tenant.slug}/automation"
        answer = page.post(f"{here}/new", {"name": "No Good", "role": "operator"})
        assert answer.status_code == 422
        assert b'value="No Good"' in answer.content
        refused = page.post("/profile/tokens", {"name": "x", "days": "30"}, headers={"HX-Request": "true"})
        assert refused.status_code == 400
        assert f'id="token-{admin.user.pk}-errors"' in refused.content.decode()

    def test_tokens_of_others_are_not_there(self, page: Client) -> None:
        other = UserFactory.create()
        issued(other, other)
        pk = ApiToken.objects.get().pk
        for what in ("rotate", "revoke"):
            assert page.post(f"/tokens/{pk}/{what}", {"grace_hours": "0"}).status_code == 404
        assert ApiToken.objects.count() == 1

    def test_who_sees_the_tenant_only_is_refused(self, db: None) -> None:
        viewer = MembershipFactory.create(role=Role.VIEWER)
        client = Client()
        client.force_login(viewer.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.get(f"/tenants/{viewer.tenant.slug}/automation").status_code == 403
        assert client.get(f"/tenants/{TenantFactory.create().slug}/automation").status_code == 404


def test_a_closed_tenant_gets_no_new_account(admin: Membership) -> None:
    Tenant.objects.update(archived_at=timezone.now())
    admin.tenant.refresh_from_db()
    from pks_portal.errors import Conflict

    with pytest.raises(Conflict):
        accounts.create(admin.user, admin.tenant, accounts.Wish("ci", Role.VIEWER))
