"""Bring an event to a webhook: at least once, under one id, eight times at most, one worker at a time.

The row that waits is the truth: the task queued after the commit makes it quick, and the sweep finds what was missed.
An attempt claims its row for longer than it can take, so that a worker that died costs one attempt and no more.
"""

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from pks_portal import __version__, outside, sealed
from pks_portal.errors import Invalid, PortalError
from pks_portal.messages import Said, say
from tenants import audit
from tenants.access import people_where
from tenants.models import Delivery, Webhook

TASK: Final = "tenants.notices.tasks.deliver"
LEASE: Final = timedelta(seconds=60)
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 180, 360))
ATTEMPTS: Final = len(PAUSES) + 1
AT_ONCE: Final = 100
"""Deliveries that one sweep queues."""
SUCCESS: Final = range(200, 300)
KEPT: Final = 500


def soon(deliveries: Iterable[Delivery]) -> None:
    """Queue deliveries once the transaction is committed; a broker that is away costs only time."""
    keys = [delivery.pk for delivery in deliveries]

    def each() -> None:
        for pk in keys:
            queue(pk)

    if keys:
        transaction.on_commit(each, robust=True)


def queue(pk: uuid.UUID) -> None:
    current_app.send_task(TASK, (str(pk),), ignore_result=True)


def sweep() -> int:
    """Queue what is due and nobody came for, of a webhook that fails one only; return how many."""
    due = _due().order_by("due_at").values_list("pk", "webhook_id", "webhook__failing_since")
    spared, queued = set(), 0
    for pk, webhook, failing_since in due[:AT_ONCE]:
        if webhook in spared:
            continue
        if failing_since is not None:
            spared.add(webhook)
        queue(pk)
        queued += 1
    return queued


def attempt(pk: str) -> None:
    """Try a delivery that is due and that no other worker has; do nothing otherwise."""
    claim = uuid.uuid4()
    taken = {"claim": claim, "due_at": timezone.now() + LEASE, "attempts": F("attempts") + 1}
    if not _due().filter(pk=pk).update(**taken):
        return
    delivery = Delivery.objects.select_related("webhook__tenant").get(pk=pk)
    if delivery.attempts > ATTEMPTS:  # its workers died each time
        _failed(delivery, claim, say("error.delivery_lost"), final=True)
        return
    try:
        answer = _send(delivery)
    except PortalError as error:
        _failed(delivery, claim, error.said, final=isinstance(error, Invalid))
        return
    facts = {"code": answer.status, "milliseconds": answer.milliseconds, "answer": shown(answer.body, delivery)}
    if answer.status in SUCCESS:
        _succeeded(delivery, claim, facts)
    else:
        _failed(delivery, claim, say("error.delivery_refused", status=answer.status), final=False, **facts)


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the header's value: HMAC-SHA256 over "<unix time>.<body>", so that an old message can be told."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def give_up(webhook: Webhook) -> None:
    """End what still waits for a webhook that has been turned off."""
    off = say("error.webhook_off").stored()
    webhook.deliveries.filter(status=Delivery.Status.WAITING).update(status=Delivery.Status.FAILED, error=off)


def shown(body: bytes, delivery: Delivery) -> str:
    """Return the beginning of an answer, fit to be kept: printable, and without our own secret if it is echoed."""
    text = body.decode("utf-8", "replace").replace(sealed.get(delivery.webhook, "secret"), "***")
    return "".join(char if char.isprintable() else " " for char in text)[:KEPT].strip()


def _due() -> "QuerySet[Delivery]":
    return Delivery.objects.filter(status=Delivery.Status.WAITING, due_at__lte=timezone.now())


def _send(delivery: Delivery) -> outside.Answer:
    """Raises Invalid (the address leads where the portal does not go), Unavailable."""
    body, webhook = delivery.body.encode(), delivery.webhook
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"PKS-Portal/{__version__}",
        "PKS-Event": delivery.kind,
        "PKS-Delivery": str(delivery.pk),
        "PKS-Signature": signature(sealed.get(webhook, "secret"), int(time.time()), body),
    }
    return outside.send(webhook.url, body, headers)


def _ended(delivery: Delivery, claim: uuid.UUID, **facts: Any) -> bool:
    """Write how an attempt went, unless another worker has taken over meanwhile."""
    facts = {"code": None, "milliseconds": None, "answer": "", "error": None, "claim": None, **facts}
    own = Delivery.objects.filter(pk=delivery.pk, claim=claim)
    return bool(own.update(attempted_at=timezone.now(), **facts))


@transaction.atomic
def _succeeded(delivery: Delivery, claim: uuid.UUID, facts: dict[str, Any]) -> None:
    if _ended(delivery, claim, status=Delivery.Status.DELIVERED, **facts):
        Webhook.objects.filter(pk=delivery.webhook_id).exclude(failing_since=None).update(failing_since=None)


@transaction.atomic
def _failed(delivery: Delivery, claim: uuid.UUID, why: Said, *, final: bool, **facts: Any) -> None:
    over = final or delivery.attempts >= ATTEMPTS
    if over:
        ending: dict[str, Any] = {"status": Delivery.Status.FAILED}
    else:
        ending = {"due_at": timezone.now() + PAUSES[delivery.attempts - 1]}
    if _ended(delivery, claim, error=why.stored(), **ending, **facts):
        _hold_against(delivery.webhook_id)


def _hold_against(webhook_id: uuid.UUID) -> None:
    """Remember since when a webhook fails; one that has failed for days is turned off, and its people are told."""
    webhook = Webhook.objects.select_for_update(of=("self",)).select_related("tenant").filter(pk=webhook_id).first()
    if webhook is None or not webhook.enabled:
        return
    now = timezone.now()
    webhook.failing_since = webhook.failing_since or now
    if now - webhook.failing_since >= timedelta(days=settings.PKS_WEBHOOK_DAYS):
        webhook.enabled, webhook.stopped_at = False, now
    webhook.save(update_fields=["failing_since", "enabled", "stopped_at"])
    if not webhook.enabled:
        _stopped(webhook)


def _stopped(webhook: Webhook) -> None:
    from tenants.notices.telling import tell  # noqa: PLC0415 - telling is what brought us here

    give_up(webhook)
    tenant, days = webhook.tenant, settings.PKS_WEBHOOK_DAYS
    audit.record(None, "webhook.stop", webhook, tenant=tenant, host=webhook.host, days=days)
    page = f"/tenants/{tenant.slug}/webhooks" if tenant else "/platform/webhooks"
    people = people_where("webhook.manage", tenant)
    tell("webhook.stopped", to=people, tenant=tenant, link=page, host=webhook.host, days=days)
