"""Pages of quotas and approvals: what the tables of rights hold of them, and one request in the world."""

from typing import Any

from tenants.models import QuotaGrant, QuotaLimit, QuotaRequest, QuotaRequestLine, Tenant, User

SEE = [200] * 6 + [404, 401]
DECIDE = [403] * 4 + [302, 403, 404, 401]  # the platform's administrators
TOGETHER = [403] * 4 + [200, 403, 403, 401]
ONE = "/approvals/{request}"
QUOTA = "/tenants/{tenant}/quota"
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/approvals"): ({}, [200] * 7 + [401]),
    ("get", "/approvals/summary?id={request}"): ({}, TOGETHER),
    ("post", "/approvals/decide"): ({"id": "{request}", "decision": "approve"}, TOGETHER),
    ("get", ONE): ({}, SEE),
    ("get", f"{ONE}/after?granted-nodes=1"): ({}, SEE),
    ("post", f"{ONE}/approve"): ({"granted-nodes": "2"}, DECIDE),
    ("post", f"{ONE}/reject"): ({"comment": "no"}, DECIDE),
    ("post", f"{ONE}/withdraw"): ({}, [403] * 3 + [302, 403, 403, 404, 401]),
    ("get", QUOTA): ({}, SEE),
    ("post", f"{QUOTA}/ask"): ({"extra-nodes": "2", "reason": "because"}, [403] * 3 + [302, 403, 403, 404, 401]),
    ("post", f"{QUOTA}/limits"): ({"limit-nodes": "9"}, DECIDE),
    ("get", f"{QUOTA}/limits/preview?limit-nodes=9"): ({}, [403] * 4 + [200, 403, 404, 401]),
}
API_ONE = "/api/v1/quota-requests/{request}"
API_DECIDE = [403] * 4 + [200, 403, 404, 401]
API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/quotas"): (None, [200] * 7 + [401]),
    ("get", "/api/v1/quotas/{tenant}"): (None, SEE),
    ("patch", "/api/v1/quotas/{tenant}"): ({"limits": {"nodes": 9}}, API_DECIDE),
    ("get", "/api/v1/quota-requests"): (None, [200] * 7 + [401]),
    ("post", "/api/v1/quota-requests"): (
        {"tenant": "{tenant}", "amounts": {"nodes": 2}, "reason": "because"},
        [403] * 3 + [201, 403, 403, 400, 401],
    ),
    ("get", API_ONE): (None, SEE),
    ("post", f"{API_ONE}/approve"): ({"amounts": {"nodes": 1}}, API_DECIDE),
    ("post", f"{API_ONE}/reject"): ({"comment": "no"}, API_DECIDE),
    ("post", f"{API_ONE}/withdraw"): (None, [403] * 3 + [200, 403, 403, 404, 401]),
    ("post", "/api/v1/clusters?request=true"): (
        {"tenant": "{tenant}", "name": "big", "plan": "{plan}", "nodes": 10, "request": {"amounts": {"nodes": 99}}},
        [403, 403, 202, 202, 202, 403, 400, 401],
    ),
    ("patch", "/api/v1/clusters/{cluster}?request=true"): (
        {"nodes": 10, "request": {"least": 5}}, [403, 403, 202, 202, 202, 403, 404, 401],
    ),
}  # fmt: skip
# of an administrator's forms: the answer at first, and what is answered instead when it is sent again
TWICE: dict[str, tuple[int, str]] = {
    **{path: (403, "") for method, path in PAGES if method == "post"},
    f"{ONE}/withdraw": (302, ""),
    f"{QUOTA}/ask": (302, ""),
}
SAID_INSTEAD = {f"{ONE}/withdraw": {409}}


def world(tenant: Tenant, owner: User, canary: str) -> dict[str, Any]:
    """Return the owner's open request for more nodes."""
    request = QuotaRequest.objects.create(tenant=tenant, requester=owner, reason=canary)
    QuotaRequestLine.objects.create(request=request, kind="nodes", asked=2)
    return {"request": request.pk}


def snapshot() -> list[Any]:
    """Return what a request could have changed of them."""
    return [
        list(QuotaRequest.objects.order_by("created_at", "pk").values_list("pk", "status", "comment")),
        list(QuotaGrant.objects.order_by("pk").values_list("pk", "amount", "ended_at")),
        list(QuotaLimit.objects.order_by("pk").values_list("pk", "limit")),
    ]
