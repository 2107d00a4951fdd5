"""Who sees what of the audit trail, in which words; exports; and what may be on it at all."""

import ast
import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.db import connections
from django.test import AsyncClient, Client
from django.utils import timezone

from pks_portal import messages
from tenants import audit
from tenants.audit import vocabulary
from tenants.audit.exporting import lines, row_of
from tenants.audit.sealing import head, seal
from tenants.models import AuditEntry, PlatformRole, Role
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory, TenantFactory, UserFactory
from tests.permissions.people import BACKEND, browser_of
from tests.tools import client_of

pytestmark = pytest.mark.django_db
HOSTILE = [
    "a\r\nb",
    "a\nINFO forged line",
    "\x1b[31mred",
    "x\u2028y",
    "\u202eabc",
    "a\0b",
    "\ud800",
    "=1+1",
    "+A1",
    "-2",
    "@SUM(A1)",
]


@pytest.fixture
def cluster(db):
    return ClusterFactory.create(name="pay")


@pytest.fixture
def admin(cluster):
    return MembershipFactory.create(tenant=cluster.tenant, role=Role.ADMIN).user


def names(rows):
    return [entry.subject_name for entry in rows]


def test_a_tenant_s_trail_is_its_administrators_and_everybody_has_their_own(cluster, admin):
    operator = MembershipFactory.create(tenant=cluster.tenant, role=Role.OPERATOR).user
    elsewhere = ClusterFactory.create(name="other", tenant=TenantFactory.create())
    audit.record(operator, "cluster.delete", cluster, tenant=cluster.tenant)
    audit.record(admin, "cluster.delete", elsewhere, tenant=elsewhere.tenant)
    audit.record(None, "user.local_admin", operator)
    assert names(audit.visible(operator)) == ["pay"]
    assert sorted(names(audit.visible(admin))) == ["other", "pay"]  # one's own deed, wherever
    assert names(audit.visible(UserFactory.create())) == []
    for role in PlatformRole:
        assert audit.visible(PlatformGrantFactory.create(role=role).user).count() == 3
    assert names(audit.of(admin, cluster)) == ["pay"]
    assert names(audit.of(admin, cluster.tenant)) == ["pay"]
    assert names(audit.of(operator, operator)) == ["pay"]
    auditor = PlatformGrantFactory.create(role=PlatformRole.AUDITOR).user
    assert names(audit.of(auditor, operator)) == [operator.username, "pay"]


def test_the_page_narrows_by_every_filter(cluster, admin):
    made = audit.record(admin, "cluster.scale", cluster, tenant=cluster.tenant, nodes=5, before=3)
    for wanted, found in {
        f"actor={admin.username.upper()}": True, "actor=nobody": False, "action=cluster.scale": True,
        "action=cluster.": True, "action=kubeconfig.": False, f"tenant={cluster.tenant.slug}": True,
        "tenant=none": False,
        f"subject={cluster.pk}": True, "subject=x": False, f"subject=clusters.cluster:{cluster.pk}": True,
        f"subject=tenants.user:{cluster.pk}": False, "door=console": True, "door=page": False, "door=none": True,
        f"since={made.at:%Y-%m-%d}": True, "since=2999-01-01": False, f"until={made.at:%Y-%m-%d}": True,
        "until=2020-01-01": False, "q=PA": True, "q=zzz": False, f"before={made.pk}": False, "before=x": True,
        "since=nonsense": True,
    }.items():  # fmt: skip
        page = browser_of(admin).get(f"/audit?{wanted}", headers={"HX-Request": "true"})
        assert ("scaled the cluster" in page.content.decode()) is found, wanted
    shown = browser_of(admin).get("/audit").content.decode()
    assert "follows in a moment" in shown
    seal()
    assert f"{head().number}:{head().hash}" in browser_of(admin).get("/audit").content.decode()
    chinese = browser_of(admin).get("/audit", headers={"accept-language": "zh-hans"}).content.decode()
    assert "scaled the cluster" not in chinese


def test_the_page_goes_on_to_older_entries(cluster, admin):
    for _ in range(51):
        audit.record(admin, "cluster.delete", cluster, tenant=cluster.tenant)
    first = browser_of(admin).get("/audit").content.decode()
    last = AuditEntry.objects.order_by("pk")[0].pk
    assert first.count('data-l="What"') == 50
    assert f"before={last + 1}" in first
    assert browser_of(admin).get(f"/audit?before={last + 1}").content.decode().count('data-l="What"') == 1


def test_the_api_says_the_same(cluster, admin):
    audit.record(admin, "cluster.scale", cluster, tenant=cluster.tenant, nodes=5, before=3, task="t-1")
    seal()
    answer = client_of(admin).get("/api/v1/audit?action=cluster.scale&door=console").json()
    item = answer["items"][0]
    assert (item["actor"], item["text"], item["facts"]["nodes"]) == (admin.username, "scaled the cluster", 5)
    assert (item["task"], item["subject"]["name"], item["tenant"]) == ("t-1", "pay", cluster.tenant.slug)
    assert item["seal"] == {"number": head().number, "hash": head().hash}
    assert client_of(admin).get("/api/v1/audit?since=yesterday").status_code == 400
    assert client_of(admin).get("/api/v1/audit?colour=red").status_code == 400


def test_an_export_is_whole_anchored_and_on_the_trail(cluster, admin):
    for name in HOSTILE:
        audit.record(admin, "session.refused", None, tenant=cluster.tenant, login=name)
    answer = client_of(admin).post(
        "/api/v1/audit/export", {"form": "jsonl", "action": "session.refused"}, format="json"
    )
    body = [json.loads(line) for line in answer.getvalue().decode().splitlines()]
    assert len(body) == len(HOSTILE) + 1, "no text makes a line of its own"
    assert body[-1] == {"head": {"number": len(HOSTILE), "hash": head().hash}, "entries": len(HOSTILE)}
    assert answer["X-Audit-Head"] == f"{len(HOSTILE)}:{head().hash}"
    assert answer["Cache-Control"] == "no-store"
    deed = AuditEntry.objects.get(action="audit.export")
    assert (deed.actor, deed.facts["form"], deed.facts["filters"]) == (admin, "jsonl", ["action=session.refused"])
    stranger = MembershipFactory.create(role=Role.ADMIN).user
    nothing = client_of(stranger).post("/api/v1/audit/export", {"form": "jsonl"}, format="json")
    assert json.loads(nothing.getvalue().decode().splitlines()[-1])["entries"] <= 1  # the export itself, if anything


def test_no_cell_of_a_table_is_a_formula(cluster, admin):
    for name in HOSTILE:
        cluster.name = name
        audit.record(admin, "cluster.delete", cluster, tenant=cluster.tenant)
    answer = browser_of(admin).post("/audit/export", {"form": "csv", "action": "cluster."})
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert len(rows) == len(HOSTILE)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    assert rows[HOSTILE.index("=1+1")]["subject"] == "'=1+1"
    assert answer["Content-Disposition"].endswith('.csv"')
    assert browser_of(admin).post("/audit/export", {"form": "xml"}).status_code == 400


@pytest.mark.django_db(transaction=True)
async def test_an_export_is_streamed_under_asgi_too():
    from asgiref.sync import sync_to_async

    def prepare():
        user = PlatformGrantFactory.create(role=PlatformRole.AUDITOR).user
        for _ in range(3):
            audit.record(user, "user.local_admin", user)
        return user

    client = AsyncClient()
    await client.aforce_login(await sync_to_async(prepare)(), backend=BACKEND)
    answer = await client.post("/audit/export", {"form": "jsonl"})
    body = b"".join([part async for part in answer]).decode().splitlines()
    assert json.loads(body[-1])["entries"] == len(body) - 1 >= 3
    await sync_to_async(connections.close_all)()  # the one of the thread that served the request


def test_an_export_reads_piece_by_piece_and_ends_where_it_began(cluster, admin, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("tenants.audit.exporting.AT_ONCE", 2)
    for _ in range(5):
        audit.record(admin, "cluster.delete", cluster, tenant=cluster.tenant)
    found = lines(AuditEntry.objects.select_related("tenant", "seal"), "jsonl", head())
    first = next(found)
    audit.record(admin, "cluster.delete", cluster, tenant=cluster.tenant)
    with django_assert_num_queries(3):  # two more pieces, and the look that finds no other
        rest = list(found)
    assert len([first, *rest]) == 6
    assert json.loads(first)["id"] == row_of(AuditEntry.objects.order_by("pk")[0])["id"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_makes_a_line_or_breaks_the_database(cluster, admin, text):
    cluster.name = text
    made = audit.record(admin, "session.refused", cluster, login=text, reason=text)
    kept = AuditEntry.objects.get(pk=made.pk)
    assert all(char.isprintable() for char in kept.subject_name)
    assert len(json.dumps(kept.facts).splitlines()) == 1
    seal()


def test_only_what_is_declared_is_kept(admin, settings, caplog):
    settings.PKS_STRICT = False
    kept = audit.record(None, "user.rename", admin, old="a", password="marker-secret").facts
    assert kept == {"old": "a"}
    assert audit.record(None, "no.such", admin, password="marker-secret").facts == {}
    assert audit.record(None, "user.rename", admin, old=object(), new=[{"deep": "marker-secret"}]).facts == {}
    assert "marker-secret" not in caplog.text
    assert "password" in caplog.text
    settings.PKS_STRICT = True
    with pytest.raises(vocabulary.Undeclared, match="password"):
        audit.record(None, "user.rename", admin, password="x")
    with pytest.raises(vocabulary.Undeclared, match=r"no\.such"):
        audit.record(None, "no.such", admin)
    with pytest.raises(ValueError, match="twice"):
        audit.declare("user.rename", "else")


def test_values_are_scalars_and_short(admin):
    said = messages.say("quota.nodes")
    cases: list[tuple[Any, type]] = [
        (timezone.now() - timedelta(0), str), ("x" * 9_999, str), (list(range(999)), list), ({"b": 1, "a": 2}, list),
        ({3, 1, 2}, list), (None, type(None)), (True, bool), (1.5, float), (said, dict),
    ]  # fmt: skip
    for value, kind in cases:
        kept = vocabulary.plain(value)
        assert isinstance(kept, kind), value
        assert len(json.dumps(kept)) < 2_000
    assert vocabulary.plain({"b": 1, "a": 2}) == ["b=1", "a=2"]
    assert vocabulary.plain(said) == {"key": "quota.nodes", "args": {}}


def deeds_in_the_code():
    """Return (place, action, facts) of every call of audit.record whose action is written out."""
    for folder in ("tenants", "clusters", "pks_portal"):
        for file in sorted((portal.BASE_DIR / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.record"):
                    facts = {word.arg for word in node.keywords if word.arg not in {None, "tenant"}}
                    for action in actions_of(node.args[1]):
                        yield f"{Path(file).relative_to(portal.BASE_DIR)}:{node.lineno}", action, facts


def actions_of(node):
    """Return the actions that a call may name; one that is put together is checked when it happens."""
    if isinstance(node, ast.IfExp):
        return [*actions_of(node.body), *actions_of(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) else []


def test_every_deed_in_the_code_is_declared_with_its_facts_and_its_words():
    found = list(deeds_in_the_code())
    assert len(found) > 20
    wrong = [
        f"{place}: {action} {sorted(facts - vocabulary.DECLARED.get(action, frozenset()))}"
        for place, action, facts in found
        if action not in vocabulary.DECLARED or not facts <= vocabulary.DECLARED[action]
    ]
    assert wrong == []
    assert [action for action in vocabulary.DECLARED if f"deed.{action}" not in messages.CATALOGUE] == []


def test_who_came_from_where(cluster, admin):
    browser = browser_of(admin)
    browser.post("/audit/export", {"form": "csv"})
    client_of(admin).post("/api/v1/audit/export", {"form": "csv"}, format="json", headers={"user-agent": "pks-cli"})
    audit.record(admin, "user.local_admin", admin)
    doors = list(AuditEntry.objects.order_by("pk").values_list("via", flat=True))
    assert doors == ["page", "cli", "console"]
    assert Client().get("/audit").status_code == 302
