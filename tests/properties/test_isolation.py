"""Whatever stands in the address of a list, it shows no row of another tenant: canaries with names of their own."""

from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pks_portal.operations.models import Operation
from tenants.models import Tenant
from tests.factories import ClusterFactory, MembershipFactory, TenantFactory

CANARY = "zqcanaryqz"
CLUSTER, TASK = "00000000-0000-4000-8000-00000000ca01", "00000000-0000-4000-8000-00000000ca02"
LISTS = [
    "/clusters", "/clusters/rows", "/tasks", "/tasks/rows", "/search", "/badges", "/",
    "/api/v1/clusters", "/api/v1/tasks", "/api/v1/tenants", "/api/v1/me",
]  # fmt: skip
NAMES = st.sampled_from([
    "q", "state", "tenant", "version", "cloud", "sort", "page", "id", "kind", "mine", "status", "subject", "name",
    "label", "limit", "cursor", "tenant__slug", "tenant_id", "pk", "subject_id", "actor", "ordering", "format",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        CLUSTER, TASK, "their-line", "zqcan", "zq", "%", "_", "env=", "env", "*", "", "0", "-1", "1,2", "all", "true",
        "' OR 1=1 --", "their-line,my-line", "cluster.create", "running", "creating,running", "-name", "tenant__slug",
    ]),
    st.text(max_size=12),
)  # fmt: skip
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=5)


@pytest.fixture
def client(db: None) -> Client:
    """Return a member of one line, while another has a cluster and a task."""
    mine, theirs = TenantFactory.create(slug="my-line"), TenantFactory.create(slug="their-line", name=f"{CANARY}-line")
    member = MembershipFactory.create(tenant=mine)
    ClusterFactory.create(tenant=mine, name="mine", labels={"env": "dev"}, created_by=member.user)
    cluster = ClusterFactory.create(id=CLUSTER, tenant=theirs, name=CANARY, labels={"env": CANARY})
    Operation.objects.create(
        id=TASK, tenant=theirs, actor=cluster.created_by, actor_name=CANARY, kind="cluster.create",
        subject_type="cluster", subject_id=cluster.pk, subject_name=CANARY, wanted={"nodes": 3}, status="running",
    )  # fmt: skip
    client = Client(raise_request_exception=True)
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(address=st.sampled_from(LISTS), query=QUERIES)
@example(address="/clusters/rows", query=[("id", CLUSTER)])
@example(address="/tasks/rows", query=[("id", TASK)])
@example(address="/tasks", query=[("tenant", "their-line")])
@example(address="/api/v1/tasks", query=[("subject", CLUSTER)])
@example(address="/search", query=[("q", TASK)])
def test_no_list_shows_another_tenants_rows(client: Client, address: str, query: list[tuple[str, str]]) -> None:
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query)
    with transaction.atomic():
        answer = client.get(f"{address}?{asked}")
        transaction.set_rollback(True)
    assert answer.status_code in {200, 302, 400, 404}
    assert CANARY not in answer.content.decode()


@pytest.mark.parametrize("address", [f"/clusters/rows?id={CLUSTER}", f"/tasks/rows?id={TASK}", "/api/v1/clusters", "/"])
def test_a_member_would_see_the_canary(client: Client, address: str) -> None:
    member = MembershipFactory.create(tenant=Tenant.objects.get(slug="their-line"))
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert CANARY in client.get(address).content.decode()
