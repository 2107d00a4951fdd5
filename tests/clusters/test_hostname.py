"""The optional name for the API server: one rule for programs and people, said at its field, kept and shown."""

import pytest

from clusters.forms import NewClusterForm
from clusters.models import Cloud, Cluster, Plan
from clusters.serializing import NewClusterSerializer
from pks_portal.operations.models import Operation

FITTING = "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 61  # 253 characters in all
GOOD = ["api.pay.example", "api", "1.pay.example", "a--b.pay-dev.x9", "xn--fiqs8s.example", FITTING]
BAD = [
    "API.pay.example", "https://api.pay.example", "api.pay.example:6443", "api.pay.example.", ".example", "a..b",
    "-a.example", "a-.example", "a_b.example", "*.pay.example", "a b", "支付.example", "10.0.0.1", "::1", "api\n",
    "api.pay.example\x00", "a" * 64 + ".example", FITTING + "d",
]  # fmt: skip


def form_of(operator, hostname):
    data = {
        "tenant": operator.tenant.slug, "name": "pay-dev", "plan": Plan.objects.get().slug, "nodes": "2",
        "version": "1.37.2", "cloud": Cloud.objects.get().slug, "external_hostname": hostname,
    }  # fmt: skip
    return NewClusterForm(data, user=operator.user)


def errors_of(hostname):
    wish = {"tenant": "t", "name": "pay-dev", "plan": "small", "nodes": 2, "external_hostname": hostname}
    serializer = NewClusterSerializer(data=wish)
    return set() if serializer.is_valid() else set(serializer.errors)


@pytest.mark.parametrize("hostname", [*GOOD, ""])
def test_a_dns_name_or_none_is_taken(operator, hostname):
    form = form_of(operator, hostname)
    assert form.is_valid(), form.errors
    assert form.wish().external_hostname == hostname
    assert form.body().get("external_hostname", "") == hostname
    assert errors_of(hostname) == set()


@pytest.mark.parametrize("hostname", BAD)
def test_anything_else_is_refused_at_the_field(operator, hostname):
    stripped = hostname.strip()  # as both doors do with every text
    bad = stripped not in GOOD and stripped != "api"
    assert (set(form_of(operator, hostname).errors) == {"external_hostname"}) is bad
    assert (errors_of(hostname) == {"external_hostname"}) is bad


def test_the_api_names_the_field_and_leaves_nothing(api, operator):
    wish = {
        "tenant": operator.tenant.slug,
        "name": "pay-dev",
        "plan": "small",
        "nodes": 2,
        "external_hostname": "10.0.0.1",
    }
    answer = api.post("/api/v1/clusters", wish, format="json")
    assert answer.status_code == 400
    assert (answer.json()["field"], set(answer.json()["errors"])) == ("external_hostname", {"external_hostname"})
    assert not Cluster.objects.exists()
    assert not Operation.objects.exists()


def test_the_page_checks_it_while_one_types_and_keeps_it(client, operator):
    client.force_login(operator.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    typed = form_of(operator, "10.0.0.1").data
    preview = client.get("/clusters/new/preview", typed).content.decode()
    said = preview.split('id="external_hostname-state"')[1]
    assert "DNS name" in said.split("</p>")[0]
    answer = client.post("/clusters/new", typed)
    assert answer.status_code == 422
    assert 'value="10.0.0.1"' in answer.content.decode()
    answer = client.post("/clusters/new", typed | {"external_hostname": "api.pay.example"})
    assert answer.status_code == 302
    assert Cluster.objects.get().external_hostname == "api.pay.example"
    assert "api.pay.example" in client.get(answer["Location"]).content.decode()
