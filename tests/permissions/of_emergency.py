"""Emergency access: what the tables of rights hold of it, and one that is open in the world."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from clusters.models import Cluster, EmergencyAccess
from tests.factories import PlatformGrantFactory

REASON = {"reason": "incident 4711: etcd is full", "minutes": "15"}
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    # 409: allowed, but a simulated cluster has nothing to enter
    ("post", "/clusters/{cluster}/emergency"): (REASON, [403] * 4 + [409, 403, 404, 401]),
    ("post", "/clusters/{cluster}/emergency/{emergency}/end"): ({}, [403] * 3 + [302, 302, 403, 404, 401]),
}
CALL = "/api/v1/clusters/{cluster}/emergency"
API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", CALL): (None, [200] * 6 + [404, 401]),
    ("post", CALL): ({**REASON, "minutes": 15}, [403] * 4 + [409, 403, 404, 401]),
    ("delete", CALL): (None, [403] * 3 + [204, 204, 403, 404, 401]),
}
# of an administrator's forms: the answer at first, and what is answered instead when it is sent again
TWICE: dict[str, tuple[int, str]] = {
    "/clusters/{cluster}/emergency": (403, ""),
    "/clusters/{cluster}/emergency/{emergency}/end": (302, ""),
}
PARTS = {"emergency": "00000000-0000-4000-8000-000000000000"}


def world(cluster: Cluster, canary: str) -> dict[str, Any]:
    """Return the open access of a platform administrator."""
    person = PlatformGrantFactory.create(user__username=f"{canary}-rescuer").user
    ends = timezone.now() + timedelta(minutes=30)
    return {"emergency": EmergencyAccess.objects.create(cluster=cluster, person=person, reason=canary, ends_at=ends).pk}


def snapshot() -> list[Any]:
    """Return what a request could have changed of it."""
    return [list(EmergencyAccess.objects.order_by("started_at", "pk").values_list("pk", "ends_at", "ended_at"))]
