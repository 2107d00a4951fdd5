"""A tenant's webhooks, and those of the platform, which are told of every tenant's events too."""

import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from pks_portal import messages, outside, sealed
from pks_portal.errors import Conflict, NotFound
from tenants import audit
from tenants.access import Anyone, on_platform, require, tenants_where
from tenants.models import Delivery, Notice, Tenant, User, Webhook
from tenants.notices import delivering, narrowing
from tenants.notices.kinds import TEST, known

MOST: Final = 20
"""Webhooks of one tenant."""


def visible(user: Anyone) -> "QuerySet[Webhook]":
    """Return the webhooks whose settings and deliveries the person may see."""
    seen = Q(tenant__in=tenants_where(user, "webhook.view"))
    if on_platform(user, "webhook.view"):
        seen |= Q(tenant=None)
    return Webhook.objects.filter(seen).select_related("tenant", "created_by")


@transaction.atomic
def create(
    actor: User, tenant: Tenant | None, *, url: str, kinds: Sequence[str], projects: Sequence[str] = ()
) -> tuple[Webhook, str]:
    """Make a webhook of a tenant, or of the platform, and return it with its secret, which is never shown again.

    `kinds`: which events; none means all. `projects`: of which image projects, and then of nothing else; none means
    everything. Raises Forbidden, Invalid (url, kinds, projects), Conflict (there is one to this address, or there are
    too many).
    """
    require(actor, "webhook.manage", tenant)
    outside.check(url)
    chosen = known(list(kinds))
    others = Webhook.objects.filter(tenant=tenant)
    if others.filter(url=url).exists():
        raise Conflict("error.webhook_exists")
    if others.count() >= MOST:
        raise Conflict("error.webhooks_many", most=MOST)
    within = narrowing.known(tenant, list(projects))
    webhook = Webhook(tenant=tenant, url=url, kinds=chosen, projects=within, created_by=actor)
    secret = _renew(webhook)
    webhook.save()
    audit.record(actor, "webhook.create", webhook, tenant=tenant, host=webhook.host, kinds=chosen, projects=within)
    return webhook, secret


@transaction.atomic
def change(
    actor: User,
    webhook: Webhook,
    *,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
    projects: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> None:
    """Change what is given. Turned off, it is told nothing, and what waits for it is given up.

    Raises Forbidden, Invalid (url, kinds, projects), NotFound (it has gone).
    """  # fmt: skip
    row = _locked(actor, webhook)
    before = {"url": row.url, "kinds": row.kinds, "projects": row.projects, "enabled": row.enabled}
    if url is not None:
        outside.check(url)
        row.url = url
    if kinds is not None:
        row.kinds = known(list(kinds))
    if projects is not None:
        row.projects = narrowing.known(row.tenant, list(projects))
    if enabled is not None and enabled != row.enabled:
        row.enabled, row.failing_since, row.stopped_at = enabled, None, None
    row.save(update_fields=["url", "kinds", "projects", "enabled", "failing_since", "stopped_at"])
    if not row.enabled:
        delivering.give_up(row)
    changed = [name for name, value in before.items() if getattr(row, name) != value]
    facts = {name: getattr(row, name) for name in ("host", "kinds", "projects", "enabled")} | {"changed": changed}
    audit.record(actor, "webhook.change", row, tenant=row.tenant, **facts)


@transaction.atomic
def delete(actor: User, webhook: Webhook) -> None:
    """Remove a webhook with its deliveries. Raises Forbidden, NotFound."""
    row = _locked(actor, webhook)
    audit.record(actor, "webhook.delete", row, tenant=row.tenant, host=row.host)
    row.delete()


@transaction.atomic
def renew_secret(actor: User, webhook: Webhook, *, stamp: str | None = None) -> str:
    """Replace the secret at once and return the new one, which is never shown again.

    `stamp`: of the webhook that the person saw, so that a form sent twice does it once. Raises Forbidden, NotFound,
    Conflict (it was replaced meanwhile).
    """
    row = _locked(actor, webhook)
    if stamp is not None and stamp != row.stamp:
        raise Conflict("error.secret_renewed")
    secret = _renew(row)
    row.save(update_fields=["secret"])
    audit.record(actor, "webhook.renew", row, tenant=row.tenant, host=row.host)
    return secret


@transaction.atomic
def test(actor: User, webhook: Webhook) -> Delivery:
    """Send a test event, also to one that is turned off; return its delivery, or a test's that is not yet tried.

    Raises Forbidden, NotFound.
    """
    row = _locked(actor, webhook)
    waiting = row.deliveries.filter(kind=TEST, status=Delivery.Status.WAITING, attempts=0).first()
    if waiting is not None:
        return waiting
    event = uuid.uuid4()
    told = Notice(kind=TEST, tenant=row.tenant, link=_page(row.tenant))
    made = _delivery(row, event, TEST, body_of(event, told, [actor.username]))
    made.save()
    delivering.soon([made])
    audit.record(actor, "webhook.test", row, tenant=row.tenant, host=row.host)
    return made


@transaction.atomic
def resend(actor: User, delivery: Delivery) -> Delivery:
    """Send an event once more under the same id, with as many attempts as at first.

    Raises Forbidden, Conflict (it is still waiting for an attempt), NotFound.
    """
    row = _locked(actor, delivery.webhook)
    again = {"status": Delivery.Status.WAITING, "due_at": timezone.now(), "attempts": 0, "claim": None}
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(status=Delivery.Status.WAITING)
    if not ended.update(**again):
        raise Conflict("error.delivery_waiting")
    delivery.refresh_from_db()
    delivering.soon([delivery])
    audit.record(actor, "webhook.resend", row, tenant=row.tenant, host=row.host, delivery=delivery.pk)
    return delivery


def emit(notice: Notice, to: Sequence[str], project: str = "") -> None:
    """Have the enabled webhooks that want the kind told, once the transaction is committed.

    `notice`: what is told, not saved; `to`: the names of the people who are told the same; `project`: the image
    project that it is about, if it is.
    """
    kind, tenant = notice.kind, notice.tenant
    concerned = Q(tenant=None) if tenant is None else Q(tenant=None) | Q(tenant=tenant)
    rows = Webhook.objects.filter(concerned, enabled=True)
    wanting = [
        row for row in rows
        if (not row.kinds or kind in row.kinds) and (not row.projects or project in row.projects)
    ]  # fmt: skip
    if not wanting:
        return
    event = uuid.uuid4()
    body = body_of(event, notice, to)
    made = Delivery.objects.bulk_create(_delivery(webhook, event, kind, body) for webhook in wanting)
    delivering.soon([row for row in made if row.webhook.failing_since is None])  # the sweep spares who fails


def body_of(event: uuid.UUID, notice: Notice, to: Sequence[str]) -> str:
    """Return the JSON of an event: {id, kind, at, tenant, to, link, text, facts}, in English whoever caused it."""
    with translation.override("en"):
        facts = {name: messages.shown(value) for name, value in notice.args.items()}
        said = notice.text
    body = {
        "id": event,
        "kind": notice.kind,
        "at": notice.created_at,
        "tenant": notice.tenant.slug if notice.tenant else None,
        "to": list(to),
        "link": f"{settings.PUBLIC_URL}{notice.link}" if notice.link else None,
        "text": said,
        "facts": facts,
    }
    return json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False)


def purge(days: int) -> int:
    """Forget deliveries that are over for that many days; return how many."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
    return old.exclude(status=Delivery.Status.WAITING).delete()[0]


def _delivery(webhook: Webhook, event: uuid.UUID, kind: str, body: str) -> Delivery:
    return Delivery(webhook=webhook, event=event, kind=kind, body=body)


def _page(tenant: Tenant | None) -> str:
    return f"/tenants/{tenant.slug}/webhooks" if tenant else "/platform/webhooks"


def _locked(actor: User, webhook: Webhook) -> Webhook:
    """Return the row, locked, after asking for the right. Raises Forbidden, NotFound (it has gone)."""
    require(actor, "webhook.manage", webhook.tenant)
    row = Webhook.objects.select_for_update(of=("self",)).select_related("tenant").filter(pk=webhook.pk).first()
    if row is None:
        raise NotFound("error.not_found")
    return row


def _renew(webhook: Webhook) -> str:
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    sealed.put(webhook, "secret", secret)
    return secret
