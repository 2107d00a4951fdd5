"""What every refusal must keep to."""

from typing import Any

from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation
from tests.permissions.people import CANARY


def snapshot() -> list[Any]:
    """Return what a request could have changed."""
    return [
        list(Cluster.objects.order_by("pk").values_list("pk", "status", "labels")),
        list(Operation.objects.order_by("pk").values_list("pk", "status", "cancel_asked")),
        list(Kubeconfig.objects.order_by("pk").values_list("pk", "revoked_at")),
    ]


def assert_kept_out(body: bytes) -> None:
    """No name of the world may be in an answer to a stranger."""
    assert CANARY not in body.decode()
