"""What every refusal must keep to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.db import transaction

from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation
from tenants.models import ApiToken, GroupMapping, Membership, PlatformGrant, Role, ServiceAccount, Tenant, User
from tests.factories import MembershipFactory
from tests.permissions import of_approvals, of_directories, of_emergency, of_images, of_notices, of_people
from tests.permissions.people import CANARY, another_tenant, person


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done within, so that one world serves many."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    cache.clear()


def snapshot() -> list[Any]:
    """Return what a request could have changed."""
    return [
        list(Authenticator.objects.order_by("pk").values_list("pk", "data")),
        list(SocialAccount.objects.order_by("pk").values_list("pk")),
        *of_directories.snapshot(),
        *of_emergency.snapshot(),
        *of_images.snapshot(),
        *of_notices.snapshot(),
        *of_people.snapshot(),
        *of_approvals.snapshot(),
        list(Tenant.objects.order_by("pk").values_list("pk", "name", "archived_at")),
        list(Membership.objects.order_by("pk").values_list("pk", "role")),
        list(PlatformGrant.objects.order_by("pk").values_list("pk", "role")),
        list(GroupMapping.objects.order_by("pk").values_list("pk")),
        list(User.objects.order_by("pk").values_list("pk", "is_active", "session_epoch")),
        list(Cluster.objects.order_by("pk").values_list("pk", "status", "labels")),
        list(Operation.objects.order_by("pk").values_list("pk", "status", "cancel_asked")),
        list(Kubeconfig.objects.order_by("pk").values_list("pk", "revoked_at")),
        list(ApiToken.objects.order_by("pk").values_list("pk", "secret_hash")),
        list(ServiceAccount.objects.order_by("pk").values_list("pk", "deleted_at", "user__is_active")),
    ]


def body_of(answer: Any) -> bytes:
    """Return an answer's body, also of one that is sent while it is read."""
    return bytes(answer.getvalue())


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
