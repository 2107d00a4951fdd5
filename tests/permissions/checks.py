"""What every refusal must keep to."""

from collections.abc import Callable
from typing import Any

from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation
from tenants.models import Role, User
from tests.factories import MembershipFactory
from tests.permissions.people import CANARY, another_tenant, person


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


def assert_roles_do_not_add_up(world: dict[str, Any], ask: Callable[[User | None], Any], expected: int) -> None:
    """A viewer who administers another tenant is answered as any viewer, and leaves nothing."""
    user = person("viewer", world["row"])
    MembershipFactory.create(user=user, tenant=another_tenant(), role=Role.ADMIN)
    before = snapshot()
    answer = ask(user)
    assert answer.status_code == expected, answer.content
    assert snapshot() == before
