"""The wallet: who sees and revokes which kubeconfigs, one for several clusters, and what is told before they end."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
import yaml
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from clusters import credentials, hosts, reminding, wallet
from clusters.engines.base import Credential
from clusters.engines.simulated import SimulatedEngine
from clusters.models import Cluster, EmergencyAccess, Kubeconfig
from pks_portal.errors import Conflict, Forbidden, Invalid, Unavailable
from tenants.models import AuditEntry, Notice, Role, User
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory
from tests.permissions.people import browser_of
from tests.tools import client_of

WALLET = "/api/v1/kubeconfigs"


class Clouds:
    """The clusters' hosts: which credentials are live, and which clusters do not answer."""

    def __init__(self) -> None:
        self.live: dict[str, Cluster] = {}
        self.silent: set[Any] = set()

    def issue(self, cluster: Cluster, *, holder: str, level: str, ttl: timedelta, name: str) -> Credential:
        assert Kubeconfig.objects.filter(name=name).exists(), "the row first"
        self._answer(cluster)
        self.live[name] = cluster
        text = {
            "clusters": [{"name": "c", "cluster": {"server": f"https://{cluster.name}"}}],
            "users": [{"name": "u", "user": {"client-key-data": name}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
        return Credential(name=name, kubeconfig=json.dumps(text), expires=timezone.now() + ttl)

    def revoke(self, cluster: Cluster, name: str) -> None:
        self._answer(cluster)
        self.live.pop(name, None)

    def _answer(self, cluster: Cluster) -> None:
        if cluster.pk in self.silent:
            raise Unavailable("error.host_silent", queue="far", system="the host")


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Clouds:
    made = Clouds()
    monkeypatch.setattr(hosts, "credentials", made.issue)
    monkeypatch.setattr(hosts, "revoke", made.revoke)
    capable = SimulatedEngine.capabilities
    monkeypatch.setattr(SimulatedEngine, "capabilities", lambda self: replace(capable(self), credentials=True))
    return made


@pytest.fixture
def three(operator: Any) -> list[Cluster]:
    return [
        ClusterFactory.create(tenant=operator.tenant, name=name, endpoint=f"https://{name}")
        for name in ("dev", "prod", "test")
    ]


def member(operator: Any, role: Role) -> User:
    user: User = MembershipFactory.create(tenant=operator.tenant, role=role).user
    return user


def held(user: User, cluster: Cluster, **more: Any) -> Kubeconfig:
    facts = {"level": "edit", "expires_at": timezone.now() + timedelta(days=1), **more}
    return Kubeconfig.objects.create(cluster=cluster, holder=user, name=uuid4().hex, **facts)


def test_everybody_sees_their_own_and_those_who_govern_see_all(operator: Any, three: list[Cluster]) -> None:
    developer, other = member(operator, Role.DEVELOPER), member(operator, Role.DEVELOPER)
    first, second = held(developer, three[0]), held(other, three[1])
    elsewhere = held(developer, ClusterFactory.create())

    def seen(user: User) -> set[Any]:
        return {row.pk for row in wallet.visible_to(user)}

    assert seen(developer) == {first.pk, elsewhere.pk}, "one's own, also where one has left the tenant"
    assert seen(member(operator, Role.VIEWER)) == set()
    assert seen(member(operator, Role.ADMIN)) == seen(operator.user) == {first.pk, second.pk}
    for role in ("platform-admin", "auditor"):
        assert seen(PlatformGrantFactory.create(role=role).user) == {first.pk, second.pk, elsewhere.pk}
    developer.scope = frozenset({"kubeconfig"})
    assert seen(developer) == set(), "a token that may not read"


def test_one_file_for_several_clusters(api: Any, clouds: Clouds, three: list[Cluster]) -> None:
    comes = ClusterFactory.create(tenant=three[0].tenant, name="comes")
    clouds.silent.add(three[2].pk)
    wish = {"clusters": [str(row.pk) for row in [*three, comes]], "level": "edit", "hours": 8}
    answer = api.post(WALLET, wish, format="json", headers={"Idempotency-Key": "one"})
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    text = json.loads(body["kubeconfig"])
    assert [one["name"] for one in text["contexts"]] == ["dev", "prod"]
    assert {one["user"]["client-key-data"] for one in text["users"]} == clouds.live.keys(), "each its own"
    assert [row["cluster_name"] for row in body["issued"]] == ["dev", "prod"]
    assert {one["name"]: one["code"] for one in body["refused"]} == {"test": "host-silent", "comes": "no-api-yet"}
    again = api.post(WALLET, wish, format="json", headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    assert Kubeconfig.objects.count() == 2


def test_where_nothing_could_be_issued_each_refusal_is_said(api: Any, clouds: Clouds, three: list[Cluster]) -> None:
    clouds.silent |= {row.pk for row in three}
    answer = api.post(WALLET, {"clusters": [str(row.pk) for row in three]}, format="json")
    assert answer.status_code == 503
    assert [one["name"] for one in answer.json()["refused"]] == ["dev", "prod", "test"]
    assert not Kubeconfig.objects.exists()


@pytest.mark.parametrize("wish", [{"clusters": []}, {"level": "root"}, {"hours": 0}, {"kind": "token"}])
def test_a_wish_that_cannot_be_issues_nothing(api: Any, clouds: Clouds, three: list[Cluster], wish: Any) -> None:
    answer = api.post(WALLET, {"clusters": [str(row.pk) for row in three], **wish}, format="json")
    assert answer.status_code == 400, answer.content
    assert not clouds.live
    many = [str(uuid4()) for _ in range(credentials.MOST_AT_ONCE + 1)]
    assert api.post(WALLET, {"clusters": many}, format="json").json()["code"] == "kubeconfig-clusters"


def test_a_bug_leaves_nothing_live_and_is_not_hidden(
    operator: Any, clouds: Clouds, three: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded, record = [0], credentials.audit.record

    def fails_the_third_time(*args: Any, **facts: Any) -> None:
        recorded[0] += args[1] == "kubeconfig.issue"
        if recorded[0] == 3:
            recorded[0] += 1
            raise DatabaseError("the first error")
        record(*args, **facts)

    monkeypatch.setattr(credentials.audit, "record", fails_the_third_time)
    with pytest.raises(DatabaseError, match="the first error"):
        credentials.issue_merged(operator.user, three, level="edit", hours=8)
    assert not clouds.live
    assert Kubeconfig.objects.filter(revoked_at=None).count() == 0


def test_a_credential_without_its_row_is_taken_back(
    operator: Any, clouds: Clouds, three: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: Any, **_facts: Any) -> None:
        clouds.silent.update(silenced)
        raise DatabaseError("no row")

    monkeypatch.setattr(credentials.audit, "record", gone)
    for silenced in ([], [three[0].pk]):  # also where the cluster does not answer: the first error is the one said
        with pytest.raises(DatabaseError, match="no row"):
            credentials.issue_kubeconfig(operator.user, three[0], level="edit", hours=8)
        assert Kubeconfig.objects.count() == len(clouds.live) == len(silenced), "what is live is listed"


def test_one_that_was_withdrawn_while_it_was_made_is_not_handed_out(
    operator: Any, clouds: Clouds, three: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    def withdrawn_meanwhile(cluster: Cluster, **asked: Any) -> Credential:
        Kubeconfig.objects.update(revoked_at=timezone.now())
        return clouds.issue(cluster, **asked)

    monkeypatch.setattr(hosts, "credentials", withdrawn_meanwhile)
    with pytest.raises(Conflict):
        credentials.issue_kubeconfig(operator.user, three[0], level="edit", hours=8)
    assert not clouds.live


def test_an_emergency_is_ended_by_those_who_may(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    platform = PlatformGrantFactory.create().user
    access = EmergencyAccess.objects.create(
        cluster=three[0], person=platform, reason="incident 7", ends_at=timezone.now() + timedelta(minutes=30)
    )
    row = held(platform, three[0], level="admin", emergency=access)
    assert wallet.of_cluster(operator.user, three[0]) == wallet.of_holder(operator.user, platform.username) == []
    with pytest.raises(Forbidden):
        credentials.revoke_kubeconfig(operator.user, row)
    page = browser_of(operator.user).get("/kubeconfigs").content
    assert b"emergency" in page
    assert b"?id=" not in page
    admin = member(operator, Role.ADMIN)
    assert wallet.of_cluster(admin, three[0]) == [row]
    assert wallet.revoke(admin, [row]) == ([row], [])


def test_a_certificate_that_may_administer_lives_shorter(
    operator: Any, clouds: Clouds, three: list[Cluster], settings: Settings
) -> None:
    with pytest.raises(Invalid, match="may administer is valid for 1 to 24 hours, not 25"):
        credentials.issue_kubeconfig(operator.user, three[0], level="admin", hours=25)
    assert not clouds.live
    credentials.issue_kubeconfig(operator.user, three[0], level="admin", hours=24)
    credentials.issue_kubeconfig(operator.user, three[0], level="edit", hours=720)
    settings.PKS_KUBECONFIG_MAX_HOURS = 12
    assert credentials.longest_hours("admin") == credentials.longest_hours("edit") == 12


def test_a_file_without_a_secret_does_not_ask_who_one_is(
    operator: Any, clouds: Clouds, three: list[Cluster], settings: Settings, tmp_path: Path
) -> None:
    issuing(settings, tmp_path)
    Cluster.objects.update(authority="-----")
    page = browser_of(operator.user)
    form = {"level": "admin", "hours": "8", "cluster": [str(row.pk) for row in three]}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        for path in ("/kubeconfigs/new", f"/clusters/{three[0].pk}/kubeconfigs"):
            asked = page.post(path, {**form, "kind": "certificate"}, headers={"HX-Request": "true"})
            assert asked.headers.get("X-Step-Up")
            given = page.post(path, {**form, "kind": "exec"}, headers={"HX-Request": "true"})
            assert given.status_code == 200, given.content
            users = yaml.safe_load(given.content)["users"]
            assert {user["user"]["exec"]["command"] for user in users} == {"pks"}
        wish = {"clusters": form["cluster"], "level": "admin", "hours": 8}
        asked = page.post(WALLET, {**wish, "kind": "certificate"}, content_type="application/json")
        assert asked.json()["code"] == "step-up-required"
        assert page.post(WALLET, {**wish, "kind": "exec"}, content_type="application/json").status_code == 201
    assert not clouds.live
    assert {row.kind for row in Kubeconfig.objects.all()} == {"exec"}


def issuing(settings: Settings, tmp_path: Path) -> None:
    from tenants.issuer import signing

    authority = tmp_path / "ca.pem"
    authority.write_text("the portal's authority")
    settings.ISSUER_CA_FILE = str(authority)
    signing.ensure()


def test_a_page_says_what_is_not_in_the_file(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    clouds.silent.add(three[1].pk)
    form = {"kind": "certificate", "level": "edit", "hours": "8", "cluster": [str(row.pk) for row in three]}
    page = browser_of(operator.user)
    shown = page.post("/kubeconfigs/new", form, headers={"HX-Request": "true"})
    assert b"Not in it:" in shown.content
    assert f"{operator.tenant.slug}/prod: No worker".encode() in shown.content
    assert "Content-Disposition" not in shown.headers, "a file could not say it"
    plain = page.post("/kubeconfigs/new", form)
    assert plain.content.startswith(f"# not in it: {operator.tenant.slug}/prod\n".encode())
    assert [one["name"] for one in yaml.safe_load(plain.content)["contexts"]] == ["dev", "test"]
    assert plain.headers["Cache-Control"] == shown.headers["Cache-Control"] == "no-store"


def test_all_of_mine_of_a_cluster_or_of_a_person(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    developer = member(operator, Role.DEVELOPER)
    for user in (operator.user, developer):
        for cluster in three:
            credentials.issue_kubeconfig(user, cluster, level="edit", hours=8)
    elsewhere = held(developer, ClusterFactory.create())

    def left() -> int:
        return Kubeconfig.objects.filter(revoked_at=None).count()

    client = client_of(developer)
    for wish in ({"cluster": str(three[0].pk)}, {"holder": operator.user.username}):
        assert client.post(f"{WALLET}/revoke", wish, format="json").status_code in {400, 403}
    assert left() == 7
    client = client_of(operator.user)
    assert len(client.post(f"{WALLET}/revoke", {"cluster": str(three[0].pk)}, format="json").json()["revoked"]) == 2
    assert len(client.post(f"{WALLET}/revoke", {"holder": developer.username}, format="json").json()["revoked"]) == 2
    assert len(client.post(f"{WALLET}/revoke", {"mine": True}, format="json").json()["revoked"]) == 2
    assert not clouds.live
    elsewhere.refresh_from_db()
    assert elsewhere.revoked_at is None, "another tenant's is not the operator's to revoke"
    assert len(client_of(developer).post(f"{WALLET}/revoke", {"mine": True}, format="json").json()["revoked"]) == 1
    assert AuditEntry.objects.filter(action="kubeconfig.revoke").count() == 7


@pytest.mark.parametrize("wish", [{}, {"mine": False}, {"mine": True, "holder": "x"}, {"holder": "nobody"}])
def test_whose_is_said_once(api: Any, wish: Any) -> None:
    assert api.post(f"{WALLET}/revoke", wish, format="json").status_code == 400


def test_a_silent_cluster_keeps_none_of_the_others(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    for cluster in three:
        credentials.issue_kubeconfig(operator.user, cluster, level="edit", hours=8)
    clouds.silent.add(three[0].pk)
    answer = client_of(operator.user).post(f"{WALLET}/revoke", {"mine": True}, format="json").json()
    assert len(answer["revoked"]) == 2
    (failed,) = answer["failed"]
    assert failed["code"] == "host-silent"
    assert Kubeconfig.objects.get(revoked_at=None).pk.hex == failed["id"].replace("-", "")
    page = browser_of(operator.user).post("/kubeconfigs/revoke", {"mine": "1"})
    assert page.status_code == 503
    assert b"still opens its cluster" in page.content


def test_a_token_that_only_reads_revokes_nothing(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    row, _text = credentials.issue_kubeconfig(operator.user, three[0], level="edit", hours=8)
    operator.user.scope = frozenset({"read"})
    with pytest.raises(Forbidden):
        credentials.revoke_kubeconfig(operator.user, row)
    with pytest.raises(Forbidden):
        wallet.revoke(operator.user, [row])
    assert clouds.live


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"a", "b", "c", "d"}), ("state=valid", {"a", "b"}), ("state=expired", {"c"}), ("state=revoked", {"d"}),
        ("kind=exec", {"b"}), ("kind=exec,certificate", {"a", "b", "c", "d"}), ("level=view", {"c"}),
        ("tenant=nowhere", set()),
    ],
)  # fmt: skip
def test_the_api_narrows_the_list(api: Any, operator: Any, three: list[Cluster], query: str, names: set[str]) -> None:
    past = timezone.now() - timedelta(hours=1)
    rows = {
        "a": held(operator.user, three[0]),
        "b": held(operator.user, three[0], kind="exec"),
        "c": held(operator.user, three[0], expires_at=past, level="view"),
        "d": held(operator.user, three[0], revoked_at=past),
    }
    listed = {item["id"] for item in api.get(f"{WALLET}?{query}").json()["items"]}
    assert listed == {str(rows[name].pk) for name in names}


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 3), ("?mine=1", 1), ("?kind=exec", 1), ("?state=revoked", 1), ("?state=nonsense&kind=no", 3),
        ("?q=pro", 1), ("?cluster=no", 3), ("?tenant=nowhere", 0),
    ],
)  # fmt: skip
def test_filters_of_the_page_are_in_the_url(operator: Any, three: list[Cluster], query: str, number: int) -> None:
    developer = member(operator, Role.DEVELOPER)
    held(operator.user, three[0])
    held(developer, three[1], kind="exec", last_used_at=timezone.now())
    held(developer, three[2], revoked_at=timezone.now())
    content = browser_of(operator.user).get(f"/kubeconfigs{query}").content.decode()
    assert content.count('id="kubeconfig-') == number
    if not query:
        assert content.count("not known") == 2 + 1, "in two rows and the hint: a certificate's use is not made up"


def test_the_page_costs_the_same_however_many_there_are(
    operator: Any, three: list[Cluster], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    page = browser_of(operator.user)
    page.get("/kubeconfigs")
    costs = []
    for _ in range(2):
        for number in range(10):
            held(MembershipFactory.create(tenant=operator.tenant).user, three[number % 3])
        with django_assert_max_num_queries(60) as asked:
            assert page.get("/kubeconfigs").status_code == 200
        costs.append(len(asked))
    assert costs[0] == costs[1]


def test_the_empty_page_names_the_next_step(operator: Any) -> None:
    assert b"pks get-credentials" in browser_of(operator.user).get("/kubeconfigs").content
    viewer = browser_of(member(operator, Role.VIEWER)).get("/kubeconfigs").content
    assert b'href="/tenants"' in viewer
    assert b">Kubeconfigs</a>" not in viewer, "no menu entry for who can have none"


def test_revoking_leads_back_to_where_one_was(operator: Any, clouds: Clouds, three: list[Cluster]) -> None:
    row, _text = credentials.issue_kubeconfig(operator.user, three[0], level="edit", hours=8)
    page = browser_of(operator.user)
    asked = page.get(f"/kubeconfigs/revoke?id={row.pk}", headers={"HX-Request": "true"}).content
    assert b"cannot be undone" in asked
    assert clouds.live, "asking takes nothing away"
    back = f"http://testserver/clusters/{three[0].pk}?tab=access"
    answer = page.post("/kubeconfigs/revoke", {"id": str(row.pk)}, headers={"Referer": back})
    assert answer.headers["Location"] == f"/clusters/{three[0].pk}?tab=access"
    assert not clouds.live
    assert page.get("/kubeconfigs/revoke?id=no").status_code == page.get("/kubeconfigs/revoke").status_code == 404


@pytest.mark.parametrize(
    ("days", "warned"), [(2, False), (3, False), (4, True), (30, True)], ids=["2 days", "3 days", "4 days", "30 days"]
)
def test_the_holder_is_told_once_a_day_before_the_end(
    operator: Any, three: list[Cluster], days: int, warned: bool
) -> None:
    row = held(operator.user, three[0], expires_at=timezone.now() + timedelta(days=days))
    left = held(MembershipFactory.create(user__is_active=False).user, three[0], expires_at=row.expires_at)
    gone = held(operator.user, three[1], expires_at=row.expires_at, revoked_at=timezone.now())
    with time_machine.travel(row.expires_at - timedelta(hours=25)):
        assert reminding.warn() == 0
    with time_machine.travel(row.expires_at - timedelta(hours=23)):
        assert reminding.warn() == warned
        assert reminding.warn() == 0, "once"
    with time_machine.travel(row.expires_at + timedelta(hours=1)):
        assert reminding.warn() == 0
    told = list(Notice.objects.filter(kind="account.kubeconfig_expiring"))
    assert [notice.user for notice in told] == [operator.user] * warned
    assert not Kubeconfig.objects.filter(pk__in=[left.pk, gone.pk]).exclude(warned_at=None).exists()
    if told:
        assert told[0].link == f"/kubeconfigs?mine=1&cluster={three[0].pk}"
        assert "(Edit) ends at" in told[0].text
        assert browser_of(operator.user).get(told[0].link).status_code == 200


def test_strangers_are_sent_away(db: None) -> None:
    assert Client().get("/kubeconfigs").headers["Location"].startswith("/accounts/login/")
