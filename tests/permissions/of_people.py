"""People and their sign-ins: what the tables of rights hold of them, and a sign-in of a program in the world."""

from typing import Any

from tenants import tokens
from tenants.models import AccessToken, User

SEE = [403] * 4 + [200, 200, 403, 401]  # by those with a platform role
ONE = "/api/v1/people/{person}"
API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/people"): (None, SEE),
    ("get", ONE): (None, SEE),
    ("post", f"{ONE}/deactivate"): ({"reason": "left"}, [403] * 4 + [200, 403, 403, 401]),
    ("post", f"{ONE}/reactivate"): (None, [403] * 4 + [409, 403, 403, 401]),  # is active
    ("post", f"{ONE}/platform-roles"): ({"role": "auditor"}, [403] * 4 + [201, 403, 403, 401]),
    ("delete", f"{ONE}/platform-roles/auditor"): (None, [403] * 4 + [204, 403, 403, 401]),
}
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/platform/retention"): ({}, SEE),
    ("post", "/profile/sign-ins/{sign_in}/end"): ({}, [404] * 7 + [401]),  # one ends one's own only
}
PARTS = {"sign_in": "00000000-0000-4000-8000-000000000000"}


def world(owner: User, canary: str) -> dict[str, Any]:
    """Return a sign-in of somebody's program."""
    tokens.start(owner, f"{canary}-program")
    return {"sign_in": AccessToken.objects.filter(user=owner)[0].session}


def snapshot() -> list[Any]:
    """Return what a request could have changed."""
    return [list(AccessToken.objects.order_by("pk").values_list("pk"))]
