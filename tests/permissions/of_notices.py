"""Notices and webhooks: what the tables of rights hold of them, and one of each in the world."""

from typing import Any
from uuid import uuid4

from pks_portal import sealed
from tenants.models import Delivery, Notice, Tenant, User, Webhook

OWN = [200] * 7 + [401]
DOES_OWN = [302] * 7 + [401]
NOT_MINE = [404] * 7 + [401]
SEE, DO = [404] * 3 + [200, 200, 200, 404, 401], [404] * 3 + [302, 302, 403, 404, 401]
ISSUE = [404] * 3 + [200, 200, 403, 404, 401]
PLATFORM_SEES = [404] * 4 + [200, 200, 404, 401]
URL = {"url": "https://hook.example/x"}
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/notices"): ({}, OWN),
    ("get", "/notices/panel"): ({}, OWN),
    ("post", "/notices/read"): ({}, DOES_OWN),
    ("post", "/notices/mail"): ({}, DOES_OWN),
    ("get", "/notices/{notice}"): ({}, NOT_MINE),
    ("post", "/notices/{notice}/read"): ({}, NOT_MINE),
    ("get", "/tenants/{tenant}/webhooks"): ({}, [403] * 3 + [200, 200, 200, 404, 401]),
    ("post", "/tenants/{tenant}/webhooks/new"): (URL, [403] * 3 + [200, 200, 403, 404, 401]),
    ("get", "/platform/webhooks"): ({}, [403] * 4 + [200, 200, 403, 401]),
    ("post", "/platform/webhooks/new"): (URL, [403] * 4 + [200, 403, 403, 401]),
    ("get", "/webhooks/{webhook}"): ({}, SEE),
    ("get", "/webhooks/{platform_webhook}"): ({}, PLATFORM_SEES),
    ("post", "/webhooks/{webhook}/change"): (URL, DO),
    ("post", "/webhooks/{webhook}/secret"): ({"stamp": "{stamp}"}, ISSUE),
    ("post", "/webhooks/{webhook}/test"): ({}, DO),
    ("post", "/webhooks/{platform_webhook}/test"): ({}, [404] * 4 + [302, 403, 404, 401]),
    ("post", "/webhooks/{webhook}/delete"): ({}, DO),
    ("post", "/deliveries/{delivery}/resend"): ({}, DO),
}
API_SEE, HOOK = [404] * 3 + [200, 200, 200, 404, 401], "/api/v1/webhooks/{webhook}"
API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/webhooks"): (None, [200] * 7 + [401]),
    ("post", "/api/v1/webhooks"): (URL, [403] * 4 + [201, 403, 403, 401]),
    ("get", HOOK): (None, API_SEE),
    ("get", "/api/v1/webhooks/{platform_webhook}"): (None, PLATFORM_SEES),
    ("patch", HOOK): ({"enabled": False}, ISSUE),
    ("delete", HOOK): (None, [404] * 3 + [204, 204, 403, 404, 401]),
    ("delete", "/api/v1/webhooks/{platform_webhook}"): (None, [404] * 4 + [204, 403, 404, 401]),
    ("post", f"{HOOK}/secret"): (None, ISSUE),
    ("post", f"{HOOK}/test"): (None, [404] * 3 + [202, 202, 403, 404, 401]),
    ("get", f"{HOOK}/deliveries"): (None, API_SEE),
    ("get", f"{HOOK}/deliveries/{{delivery}}"): (None, API_SEE),
    ("post", f"{HOOK}/deliveries/{{delivery}}/resend"): (None, [404] * 3 + [202, 202, 403, 404, 401]),
}
# of an administrator's forms: the answer at first, and what is answered instead when it is sent again
TWICE: dict[str, tuple[int, str]] = {
    **{path: (302, "") for method, path in PAGES if method == "post"},
    "/notices/{notice}/read": (404, ""),
    "/tenants/{tenant}/webhooks/new": (200, ""),
    "/platform/webhooks/new": (403, ""),
    "/webhooks/{webhook}/secret": (200, ""),
    "/webhooks/{platform_webhook}/test": (404, ""),
}
SAID_INSTEAD = {
    "/tenants/{tenant}/webhooks/new": {409},
    "/webhooks/{webhook}/secret": {409},
    "/webhooks/{webhook}/delete": {404},
}
PARTS = dict.fromkeys(("notice", "webhook", "platform_webhook", "delivery"), "00000000-0000-4000-8000-000000000000")


def world(tenant: Tenant, owner: User, canary: str) -> dict[str, Any]:
    """Return the owner's notice, the tenant's webhook with a delivery that has ended, and the platform's webhook."""
    notice = Notice.objects.create(user=owner, tenant=tenant, kind="webhook.stopped", args={"host": canary, "days": 3})
    hook, other = (_webhook(where, canary) for where in (tenant, None))
    delivery = Delivery.objects.create(
        webhook=hook, event=uuid4(), kind="webhook.stopped", body=f'{{"text": "{canary}"}}', status="failed"
    )
    return {
        "notice": notice.pk,
        "webhook": hook.pk,
        "platform_webhook": other.pk,
        "delivery": delivery.pk,
        "stamp": hook.stamp,
    }


def snapshot() -> list[Any]:
    """Return what a request could have changed of them."""
    return [
        list(Notice.objects.order_by("pk").values_list("pk", "read_at")),
        list(Webhook.objects.order_by("pk").values_list("pk", "url", "kinds", "enabled", "secret")),
        list(Delivery.objects.order_by("pk").values_list("pk", "status", "due_at")),
    ]


def _webhook(tenant: Tenant | None, canary: str) -> Webhook:
    row = Webhook(tenant=tenant, url=f"https://{canary}.example/hook")
    sealed.put(row, "secret", f"whsec_{canary}")
    row.save()
    return row
