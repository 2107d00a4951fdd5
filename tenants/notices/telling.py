"""Tell somebody something, in the transaction of what happened."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from pks_portal import channel
from pks_portal.messages import Said
from tenants.models import Notice, Tenant, User
from tenants.notices import mail, webhooks


@transaction.atomic
def tell(
    kind: str, *, to: Iterable[User], link: str, tenant: Tenant | None = None, project: str = "", **args: Any
) -> None:
    """Tell people of an event of a kind ("quota.requested"), and the webhooks of its tenant and of the platform.

    `to`: who is told; doubles, programs and people who have left are passed over. `link`: the path of the page about
    it. `project`: the image project that it is about, for webhooks that are narrowed to some. `args`: plain values or
    Said for the text `notice.<kind>`, never a secret. Call it in the deed's transaction.
    """
    if link and (not link.startswith("/") or link.startswith("//")):
        raise ValueError(f"a notice leads to a path of the portal, not to {link}")
    plain = {name: _plain(value) for name, value in args.items()}
    people = {user.pk: user for user in to if user.is_active and user.kind == User.Kind.PERSON}
    rows = [Notice(user=user, tenant=tenant, kind=kind, args=plain, link=link) for user in people.values()]
    mail.mark(rows)
    for notice in Notice.objects.bulk_create(rows):
        notify(notice.user_id, notice.pk)
    told = Notice(tenant=tenant, kind=kind, args=plain, link=link)
    webhooks.emit(told, sorted(user.username for user in people.values()), project)


def notify(user_id: int, notice_id: uuid.UUID | str) -> None:
    """Have a person's open pages read their notices again, once the transaction is committed."""
    channel.send_soon(f"person.{user_id}", {"type": "person.notice", "id": str(notice_id)})


def _plain(value: Any) -> Any:
    """Return a value as it is stored; a text with arguments stays one, so that each reads it in their language."""
    if isinstance(value, Said):
        return {"key": value.key, "args": {name: _plain(part) for name, part in value.args.items()}}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return value
