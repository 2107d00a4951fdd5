"""Emergency access: announced before it opens anything, and taken away whatever dies in between.

The engine is a stand-in that remembers what is live on the cluster; tests/real/test_emergency.py has the real one.
"""

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError
from django.utils import timezone
from rest_framework.test import APIClient

from clusters import emergency, fleet, following, trusting
from clusters.credentials import revoke_kubeconfig
from clusters.models import Cluster, EmergencyAccess, Kubeconfig
from pks_portal.errors import Conflict, Forbidden, Invalid, Unavailable
from tenants import leaving
from tenants.automation import tokens
from tenants.models import AuditEntry, Notice, PlatformGrant, User
from tests.clusters.standin import Host
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory
from tests.permissions.people import browser_of
from tests.tools import client_of

pytestmark = pytest.mark.django_db
REASON = "incident 4711: etcd is full"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host()
    monkeypatch.setattr(fleet, "engine_of", lambda _cloud: found)
    return found


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return ClusterFactory.create(endpoint="https://127.0.0.1:6443")


@pytest.fixture
def boss() -> User:
    return PlatformGrantFactory.create().user


@pytest.fixture
def admin(cluster: Cluster) -> User:
    return MembershipFactory.create(tenant=cluster.tenant, role="admin").user


def enter(boss: User, cluster: Cluster, minutes: int = 15) -> EmergencyAccess:
    return emergency.enter(boss, cluster, reason=REASON, minutes=minutes)[0]


def ended(access: EmergencyAccess) -> bool:
    access.refresh_from_db()
    return access.ended_at is not None and not Kubeconfig.objects.filter(emergency=access, revoked_at=None).exists()


def kinds(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).values_list("kind", flat=True))


def deeds(cluster: Cluster) -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(subject_id=str(cluster.pk)).order_by("pk")
    return list(rows.values_list("action", "actor_name"))


def test_who_enters_is_announced_and_its_end_too(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    other = MembershipFactory.create(tenant=cluster.tenant, role="operator").user
    access = enter(boss, cluster)
    ((name, life),) = host.live.items()
    assert Kubeconfig.objects.get(emergency=access).name == name
    assert timedelta(minutes=14) < life <= timedelta(minutes=15), "the certificate ends by itself"
    emergency.leave(admin, access)
    assert host.live == {}
    assert ended(access)
    assert sorted(kinds(admin)) == ["cluster.emergency"], "who ended it knows"
    assert kinds(boss) == ["cluster.emergency_end"]
    assert kinds(other) == []
    assert deeds(cluster) == [("cluster.emergency", boss.username), ("cluster.emergency_end", admin.username)]
    entry = AuditEntry.objects.get(action="cluster.emergency")
    assert entry.facts["reason"] == REASON


def test_a_wrong_wish_tells_nobody(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    wrong = [("short", 15), (" " * 30, 15), ("x" * 501, 15), (REASON, 4), (REASON, 61)]
    for reason, minutes in wrong:
        with pytest.raises(Invalid):
            emergency.enter(boss, cluster, reason=reason, minutes=minutes)
    Cluster.objects.update(status=Cluster.Status.DELETING)
    cluster.refresh_from_db()
    with pytest.raises(Conflict):
        enter(boss, cluster)
    assert (kinds(admin), deeds(cluster), host.live) == ([], [], {})


@pytest.mark.parametrize("role", ["admin", "operator", "auditor"])
def test_nobody_else_enters(cluster: Cluster, role: str) -> None:
    if role == "auditor":
        user = PlatformGrantFactory.create(role=role).user
    else:
        user = MembershipFactory.create(tenant=cluster.tenant, role=role).user
    with pytest.raises(Forbidden):
        enter(user, cluster)


def test_no_api_token_enters_but_one_may_end_it(host: Host, cluster: Cluster, boss: User) -> None:
    wish = tokens.Wish(name="all", scopes=["read", "clusters", "kubeconfig", "platform"], days=1)
    _token, secret = tokens.issue(boss, boss, wish)
    program = APIClient(headers={"authorization": f"Bearer {secret}"})
    path = f"/api/v1/clusters/{cluster.pk}/emergency"
    refused = program.post(path, {"reason": REASON}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "out-of-scope")
    assert host.live == {}
    access = enter(boss, cluster)
    assert program.delete(path).status_code == 204
    assert ended(access)


def test_an_old_session_enters_nowhere(host: Host, cluster: Cluster, boss: User) -> None:
    client, wish = browser_of(boss), {"reason": REASON, "minutes": 10}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        path = f"/api/v1/clusters/{cluster.pk}/emergency"
        refused = client.post(path, wish, content_type="application/json", headers={"Idempotency-Key": "one"})
        assert (refused.status_code, refused.json()["code"]) == (403, "step-up-required")
        page = client.post(f"/clusters/{cluster.pk}/emergency", wish, headers={"HX-Request": "true"})
        assert (page.status_code, "X-Step-Up" in page.headers) == (401, True)
    assert host.live == {}
    page = client.post(f"/clusters/{cluster.pk}/emergency", wish)
    assert (page.status_code, page["Cache-Control"]) == (200, "no-store")
    assert b"of an administrator" in page.content


def test_it_is_over_when_its_time_is(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    access = enter(boss, cluster)
    with time_machine.travel(timezone.now() + timedelta(minutes=14)):
        trusting.sweep()
        assert not ended(access)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        trusting.sweep()
    assert ended(access)
    assert host.live == {}
    assert sorted(kinds(admin)) == ["cluster.emergency", "cluster.emergency_end"]
    assert deeds(cluster)[-1][0] == "cluster.emergency_end"
    assert not AuditEntry.objects.filter(action="kubeconfig.withdraw").exists(), "one end, said once"


def test_a_silent_host_stops_no_sweep_and_is_asked_again(host: Host, cluster: Cluster, boss: User) -> None:
    far = ClusterFactory.create(endpoint="https://127.0.0.2:6443")
    first, second = enter(boss, far), enter(boss, cluster)
    host.silent.add(far.pk)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        trusting.sweep()
        assert (ended(first), ended(second)) == (False, True)
        assert not first.live, "the page shows nobody inside"
        host.silent.clear()
        trusting.sweep()
    assert ended(first)
    assert host.live == {}


def test_an_earlier_one_is_taken_away_before_the_next(host: Host, cluster: Cluster, boss: User) -> None:
    first = enter(boss, cluster)
    with pytest.raises(Conflict, match="open already"):
        enter(boss, cluster)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        host.silent.add(cluster.pk)
        with pytest.raises(Unavailable):
            enter(boss, cluster)
        host.silent.clear()
        second = enter(boss, cluster)
        assert ended(first)
        assert list(host.live) == [Kubeconfig.objects.get(emergency=second).name]
    assert [action for action, _ in deeds(cluster)] == [
        "cluster.emergency",
        "cluster.emergency_end",
        "cluster.emergency",
    ]


def test_a_host_that_refuses_leaves_nobody_inside(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    host.silent.add(cluster.pk)
    with pytest.raises(Unavailable):
        enter(boss, cluster)
    assert not EmergencyAccess.objects.get().live
    host.silent.clear()
    trusting.sweep()
    assert ended(EmergencyAccess.objects.get())
    assert sorted(kinds(admin)) == ["cluster.emergency", "cluster.emergency_end"]
    assert enter(boss, cluster).live, "it stands in nobody's way"


class Killed(BaseException):
    """What SIGKILL leaves: no handler of the portal's own runs to any effect."""


@pytest.mark.parametrize("error", [DatabaseError, Killed])
def test_what_dies_after_the_credential_is_live_is_taken_away(
    host: Host, cluster: Cluster, boss: User, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def die() -> None:
        if error is Killed:  # neither what undoes it comes about
            monkeypatch.setattr(EmergencyAccess.objects, "filter", lambda **_which: die())
        raise error

    host.then = die
    with pytest.raises(error):
        enter(boss, cluster)
    monkeypatch.undo()
    monkeypatch.setattr(fleet, "engine_of", lambda _cloud: host)
    (name,) = host.live
    assert Kubeconfig.objects.get().name == name, "the database knows what is live"
    late = timedelta(minutes=16 if error is Killed else 0)
    with time_machine.travel(timezone.now() + late):
        trusting.sweep()
    assert host.live == {}
    assert ended(EmergencyAccess.objects.get())


def test_one_that_is_ended_while_it_is_issued_opens_nothing(
    host: Host, cluster: Cluster, boss: User, admin: User
) -> None:
    def end() -> None:
        live = dict(host.live)
        host.live.clear()  # not there yet, as far as the end can see
        emergency.leave_cluster(admin, cluster)
        host.live = live

    host.then = end
    with pytest.raises(Conflict, match="before it had begun"):
        enter(boss, cluster)
    assert host.live == {}
    assert ended(EmergencyAccess.objects.get())


@pytest.mark.parametrize("how", ["role", "leaver", "kubeconfig"])
def test_whoever_may_not_be_in_any_more_is_out(host: Host, cluster: Cluster, boss: User, how: str) -> None:
    access = enter(boss, cluster)
    if how == "role":
        PlatformGrant.objects.filter(user=boss).delete()
    elif how == "leaver":
        leaving.deactivate(boss, by=None, reason="left")
        following.withdraw_access(boss.pk)
        assert host.live == {}, "at once"
    else:
        revoke_kubeconfig(boss, Kubeconfig.objects.get(emergency=access))
    trusting.sweep()
    assert host.live == {}
    assert ended(access)
    assert deeds(cluster)[-1] == ("cluster.emergency_end", "portal")


def test_it_is_ended_by_whom_it_concerns(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    path = f"/api/v1/clusters/{cluster.pk}/emergency"
    assert client_of(admin).delete(path).json()["code"] == "emergency-none"
    colleague = PlatformGrantFactory.create().user
    mine, theirs = enter(boss, cluster), enter(colleague, cluster)
    assert client_of(boss).delete(path).status_code == 204
    assert (ended(mine), ended(theirs)) == (True, False), "one's own first"
    operator = MembershipFactory.create(tenant=cluster.tenant, role="operator").user
    assert client_of(operator).delete(path).status_code == 403
    assert client_of(admin).delete(path).status_code == 204
    assert ended(theirs)


def test_the_kubeconfig_is_shown_once(host: Host, cluster: Cluster, boss: User, admin: User) -> None:
    path = f"/api/v1/clusters/{cluster.pk}/emergency"
    client, key = client_of(boss), {"Idempotency-Key": "once"}
    answer = client.post(path, {"reason": REASON, "minutes": 10}, format="json", headers=key)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert "of an administrator" in answer.json()["kubeconfig"]
    again = client.post(path, {"reason": REASON, "minutes": 10}, format="json", headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    (shown,) = client_of(admin).get(path).json()["items"]
    assert (shown["person"], shown["reason"], shown["live"]) == (boss.username, REASON, True)
    assert "kubeconfig" not in shown
    assert len(host.live) == 1
