"""Webhooks against real receivers on loopback: signed, at least once under one id, bounded, logged."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from pks_portal import sealed
from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import notices
from tenants.models import AuditEntry, Delivery, Membership, Notice, Role, Tenant, User, Webhook
from tenants.notices import delivering, webhooks
from tests.factories import MembershipFactory, PlatformGrantFactory, TenantFactory, UserFactory
from tests.notices.receiver import Receiver, unused_port

KIND = "account.break_glass"


@pytest.fixture
def admin(db: None) -> Membership:
    return MembershipFactory.create(role=Role.ADMIN)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as receiver:
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{receiver.port}"]
        yield receiver


@pytest.fixture
def hook(admin: Membership, receiver: Receiver) -> Webhook:
    return webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])[0]


def tell(tenant: Tenant | None, *people: User) -> None:
    notices.tell(KIND, to=people, tenant=tenant, link="/profile", name="ops", address="192.0.2.1")


def work() -> None:
    """Do what is due, as the worker would."""
    for pk in Delivery.objects.filter(status="waiting", due_at__lte=timezone.now()).values_list("pk", flat=True):
        delivering.attempt(str(pk))


def test_a_message_is_signed_so_that_the_receiver_can_check_it(admin: Membership, receiver: Receiver) -> None:
    hook, secret = webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[KIND])
    tell(admin.tenant, UserFactory.create(username="ops"))
    work()
    (got,) = receiver.seen
    stamp, signature = (part.partition("=")[2] for part in got["headers"]["PKS-Signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + got["body"], hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, wanted)
    assert abs(time.time() - int(stamp)) < 60
    body = json.loads(got["body"])
    delivery = hook.deliveries.get()
    assert got["headers"]["PKS-Delivery"] == str(delivery.pk)
    assert {name: body[name] for name in ("id", "kind", "tenant", "to", "link", "text", "facts")} == {
        "id": str(delivery.event), "kind": KIND, "tenant": admin.tenant.slug, "to": ["ops"], "link": "http://localhost:8000/profile",
        "text": "The local administrator ops signed in from 192.0.2.1.",
        "facts": {"name": "ops", "address": "192.0.2.1"},
    }  # fmt: skip
    assert (delivery.status, delivery.code, delivery.attempts, delivery.answer) == ("delivered", 200, 1, "thanks")


def test_the_example_of_the_documentation_tells_genuine_from_false(admin: Membership, receiver: Receiver) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {}
    exec(guide.partition("```python\n")[2].partition("```")[0], space)  # noqa: S102 - our own text
    is_genuine = space["is_genuine"]
    _, secret = webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])
    tell(admin.tenant)
    work()
    body, signature = receiver.seen[0]["body"], receiver.seen[0]["headers"]["PKS-Signature"]
    assert is_genuine(secret, signature, body)
    assert not is_genuine(secret, signature, body + b" ")
    assert not is_genuine("whsec_other", signature, body)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert not is_genuine(secret, signature, body)


def test_who_is_told_of_what(admin: Membership, receiver: Receiver) -> None:
    """A tenant hears of itself, the platform of everything, each of the kinds it chose."""
    chief = PlatformGrantFactory.create().user
    other = MembershipFactory.create(role=Role.ADMIN)
    mine = webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])[0]
    theirs = webhooks.create(other.user, other.tenant, url=receiver.url, kinds=[])[0]
    picky = webhooks.create(admin.user, admin.tenant, url=f"{receiver.url}/picky", kinds=["webhook.stopped"])[0]
    platform = webhooks.create(chief, None, url=receiver.url, kinds=[])[0]
    tell(admin.tenant)
    tell(None)
    counts = {row.pk: row.deliveries.count() for row in (mine, theirs, picky, platform)}
    assert counts == {mine.pk: 1, theirs.pk: 0, picky.pk: 0, platform.pk: 2}
    assert Delivery.objects.values("event").distinct().count() == 2, "one event has one id, whoever is told"


def test_a_failure_is_retried_later_and_later_and_then_given_up(hook: Webhook, receiver: Receiver) -> None:
    receiver.status, pauses = 500, []
    tell(hook.tenant)
    delivery = hook.deliveries.get()
    while delivery.status == "waiting":
        with time_machine.travel(delivery.due_at + timedelta(seconds=1), tick=False):
            delivering.attempt(str(delivery.pk))
            before, now = delivery, timezone.now()
            delivery = hook.deliveries.get(pk=before.pk)
            pauses.append(round((delivery.due_at - now).total_seconds() / 60))
            assert delivery.error == {"key": "error.delivery_refused", "args": {"status": 500}}
    assert pauses[:7] == [1, 5, 15, 30, 60, 180, 360]
    assert len(receiver.seen) == delivery.attempts == delivering.ATTEMPTS == 8
    assert {one["headers"]["PKS-Delivery"] for one in receiver.seen} == {str(delivery.pk)}
    assert len({one["headers"]["PKS-Signature"] for one in receiver.seen}) == 8, "each attempt is signed anew"


def test_a_receiver_that_is_back_gets_it(hook: Webhook, receiver: Receiver) -> None:
    receiver.status = 503
    tell(hook.tenant)
    work()
    hook.refresh_from_db()
    assert hook.failing_since is not None
    receiver.status = 204
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert delivering.sweep() == 1
        work()
    hook.refresh_from_db()
    assert hook.failing_since is None
    assert hook.deliveries.get().status == "delivered"


def test_what_was_missed_between_commit_and_queue_is_found(
    hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web process dies after the commit: nothing was queued, and the sweep finds the row."""
    queued: list[Any] = []
    monkeypatch.setattr(delivering, "queue", queued.append)
    tell(hook.tenant)  # on_commit never runs in this test's transaction
    assert queued == []
    assert delivering.sweep() == 1
    delivering.attempt(str(queued[0]))
    assert len(receiver.seen) == 1


def test_a_worker_that_dies_in_the_middle_costs_one_attempt(hook: Webhook, receiver: Receiver) -> None:
    tell(hook.tenant)
    pk = str(hook.deliveries.get().pk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering, "_send", lambda _: raise_(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivering.attempt(pk)
    delivering.attempt(pk)
    assert receiver.seen == [], "it is taken for as long as an attempt can last"
    with time_machine.travel(timezone.now() + delivering.LEASE + timedelta(seconds=1)):
        delivering.attempt(pk)
    delivery = hook.deliveries.get()
    assert (delivery.status, delivery.attempts, len(receiver.seen)) == ("delivered", 2, 1)


def test_workers_that_die_each_time_do_not_try_for_ever(hook: Webhook) -> None:
    tell(hook.tenant)
    hook.deliveries.update(attempts=delivering.ATTEMPTS)
    work()
    assert hook.deliveries.get().error == {"key": "error.delivery_lost", "args": {}}


def test_a_worker_that_comes_back_late_writes_nothing(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(hook.tenant)
    delivery = hook.deliveries.get()

    def overtaken(one: Delivery) -> Any:
        Delivery.objects.filter(pk=one.pk).update(claim=uuid4(), status="delivered", code=201)
        raise Invalid("error.outside_place", host="h", port=1)

    monkeypatch.setattr(delivering, "_send", overtaken)
    delivering.attempt(str(delivery.pk))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.code, delivery.error) == ("delivered", 201, None)


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_it_once(receiver: Receiver) -> None:
    member = MembershipFactory.create(role=Role.ADMIN)
    hook = webhooks.create(member.user, member.tenant, url=receiver.url, kinds=[])[0]
    tell(member.tenant)
    pk, start = str(hook.deliveries.get().pk), threading.Barrier(8)

    def run() -> None:
        start.wait()
        try:
            delivering.attempt(pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=run) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert len(receiver.seen) == 1


def test_an_address_that_leads_inside_is_given_up_at_once(hook: Webhook, receiver: Receiver, settings: Any) -> None:
    settings.PKS_WEBHOOK_ALLOW = []
    tell(hook.tenant)
    work()
    delivery = hook.deliveries.get()
    assert (delivery.status, delivery.attempts, receiver.seen) == ("failed", 1, [])
    assert "only https on usual ports" in str(delivery.failure)


def test_nobody_listens(hook: Webhook, settings: Any) -> None:
    port = unused_port()
    settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{port}"]
    Webhook.objects.update(url=f"http://127.0.0.1:{port}/secret-path")
    tell(hook.tenant)
    work()
    delivery = hook.deliveries.get()
    assert (delivery.status, delivery.failure) == (
        "waiting",
        "The receiver did not answer: no connection, or no sound one.",
    )


def test_a_receiver_that_only_fails_is_tried_one_at_a_time(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[Any] = []
    monkeypatch.setattr(delivering, "queue", queued.append)
    Webhook.objects.update(failing_since=timezone.now())
    for _ in range(5):
        tell(hook.tenant)
    assert delivering.sweep() == len(queued) == 1


def test_days_of_failing_turn_it_off_and_its_people_are_told(hook: Webhook, receiver: Receiver, settings: Any) -> None:
    settings.PKS_WEBHOOK_DAYS = 3
    receiver.status = 500
    for days in (0, 2, 4):
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            tell(hook.tenant)
            work()
    hook.refresh_from_db()
    assert (hook.enabled, hook.stopped_at is not None) == (False, True)
    assert [row.kind for row in Notice.objects.filter(user=hook.created_by)] == ["webhook.stopped"]
    assert AuditEntry.objects.filter(action="webhook.stop", actor=None).count() == 1
    assert not Delivery.objects.filter(status="waiting").exists()
    tell(hook.tenant)
    assert not Delivery.objects.filter(status="waiting").exists()


def test_an_echoed_secret_is_not_kept(admin: Membership, receiver: Receiver) -> None:
    hook, secret = webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])
    receiver.body = f"you sent\r\n\x1b[31m{secret}".encode() + b"\xff" * 2000
    tell(admin.tenant)
    work()
    answer = hook.deliveries.get().answer
    assert answer.startswith("you sent   [31m***")
    assert len(answer) <= 500
    assert secret not in Webhook.objects.get().secret
    assert sealed.get(hook, "secret") == secret
    assert secret not in str(list(AuditEntry.objects.values()))


def test_sending_again_keeps_the_id(admin: Membership, hook: Webhook, receiver: Receiver) -> None:
    receiver.status = 410
    tell(hook.tenant)
    work()
    delivery = hook.deliveries.get()
    with pytest.raises(Conflict):
        webhooks.resend(admin.user, delivery)
    Delivery.objects.update(status="failed")
    receiver.status = 200
    webhooks.resend(admin.user, delivery)
    work()
    assert [one["headers"]["PKS-Delivery"] for one in receiver.seen] == [str(delivery.pk)] * 2
    assert hook.deliveries.get().status == "delivered"


def test_a_test_goes_to_one_that_is_off_too(admin: Membership, hook: Webhook, receiver: Receiver) -> None:
    webhooks.change(admin.user, hook, enabled=False)
    webhooks.test(admin.user, hook)
    tell(hook.tenant)
    work()
    assert [one["headers"]["PKS-Event"] for one in receiver.seen] == ["webhook.test"]


def test_turned_off_gives_up_what_waits(admin: Membership, hook: Webhook, receiver: Receiver) -> None:
    tell(hook.tenant)
    webhooks.change(admin.user, hook, enabled=False)
    work()
    assert receiver.seen == []
    assert hook.deliveries.get().error == {"key": "error.webhook_off", "args": {}}


def test_a_new_secret_counts_at_once(admin: Membership, hook: Webhook, receiver: Receiver) -> None:
    old, new = sealed.get(hook, "secret"), webhooks.renew_secret(admin.user, hook)
    tell(hook.tenant)
    work()
    (got,) = receiver.seen
    stamp = int(got["headers"]["PKS-Signature"].split(",")[0].removeprefix("t="))
    assert got["headers"]["PKS-Signature"] == delivering.signature(new, stamp, got["body"])
    assert old != new


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER, Role.OPERATOR])
def test_only_administrators_have_a_say(hook: Webhook, role: Role) -> None:
    user: User = MembershipFactory.create(tenant=hook.tenant, role=role).user
    assert list(webhooks.visible(user)) == []
    for deed in (webhooks.test, webhooks.delete, webhooks.renew_secret, webhooks.change):
        with pytest.raises(Forbidden):
            deed(user, hook)
    with pytest.raises(Forbidden):
        webhooks.create(user, hook.tenant, url=hook.url, kinds=[])
    with pytest.raises(Forbidden):
        webhooks.create(user, None, url=hook.url, kinds=[])


def test_what_cannot_be_is_refused(admin: Membership, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        webhooks.create(admin.user, admin.tenant, url="http://a b/", kinds=[])
    with pytest.raises(Invalid):
        webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=["no.such"])
    monkeypatch.setattr(webhooks, "MOST", 1)
    webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])
    with pytest.raises(Conflict, match="already"):
        webhooks.create(admin.user, admin.tenant, url=receiver.url, kinds=[])
    with pytest.raises(Conflict, match="remove one"):
        webhooks.create(admin.user, admin.tenant, url=f"{receiver.url}/2", kinds=[])
    webhooks.create(*_another(), url=receiver.url, kinds=[])


def test_old_deliveries_are_forgotten_and_waiting_ones_kept(hook: Webhook) -> None:
    tell(hook.tenant)
    tell(hook.tenant)
    Delivery.objects.filter(pk=hook.deliveries.first().pk).update(status="delivered")  # type: ignore[union-attr]
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        assert webhooks.purge(30) == 1
    assert hook.deliveries.count() == 1


def _another() -> tuple[User, Tenant]:
    member = MembershipFactory.create(role=Role.ADMIN, tenant=TenantFactory.create())
    return member.user, member.tenant


def raise_(kind: type[BaseException]) -> Any:
    raise kind
