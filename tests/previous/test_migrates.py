"""A database of the previous release comes to the present whole, and work goes on in it."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from pks_portal.paths import CHECKOUT

HERE = Path(__file__).parent
FOREIGN = ("PKS_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DJANGO_")


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the environment of a portal whose database is the previous release's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {"PKS_DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 50, "PKS_DEMO": "true"}
    (tmp_path / "db").mkdir()
    (tmp_path / "keys").mkdir()
    if not (url := os.environ.get("DATABASE_URL")):
        with sqlite3.connect(tmp_path / "db" / "portal.sqlite3") as link:
            link.executescript((HERE / "previous.sqlite.sql").read_text())
        link.close()
        yield kept | own
        return
    name = f"previous_{uuid4().hex[:12]}"
    there = urlsplit(url)._replace(path=f"/{name}").geturl()
    subprocess.run(["psql", url, "-qc", f"CREATE DATABASE {name}"], check=True, capture_output=True)
    words = ["psql", there, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(HERE / "previous.postgresql.sql")]
    subprocess.run(words, check=True, capture_output=True)
    yield kept | own | {"DATABASE_URL": there}
    subprocess.run(["psql", url, "-qc", f"DROP DATABASE {name} WITH (FORCE)"], check=True, capture_output=True)


def manage(portal: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=CHECKOUT, env=portal, capture_output=True, text=True, timeout=180,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


LOOK = """
import json
from django.test import Client
from clusters.models import Cluster
from pks_portal.operations import runner
from pks_portal.operations.models import Operation
from tenants import quotas
from tenants.models import AuditEntry, PlatformGrant, Tenant, User
work = Operation.objects.filter(status__in=Operation.UNFINISHED, kind__startswith="cluster.")
while (operation := work.first()) is not None:
    runner.run(str(operation.pk))
tenant = Tenant.objects.get(slug="payments")
def page(name, path):
    client = Client()
    client.force_login(User.objects.get(username=name), backend="tenants.directory.backend.DirectoryBackend")
    return client.get(path, HTTP_HOST="localhost").status_code
print(json.dumps({
    "people": sorted(User.objects.filter(is_active=True).values_list("username", flat=True)),
    "platform": sorted(PlatformGrant.objects.values_list("user__username", flat=True)),
    "lines": {line.kind: [line.used, line.limit] for line in quotas.lines(tenant)},
    "clusters": {row.name: [row.status, row.nodes] for row in Cluster.objects.all()},
    "audit": AuditEntry.objects.count(),
    "pages": [page("li.na", path) for path in ("/", "/clusters", "/tasks", "/profile")],
    "local": User.objects.get(username="root.local").check_password("Local-Admin-2026"),
}))
"""


def test_nothing_is_lost_and_work_goes_on(portal: dict[str, str]) -> None:
    manage(portal, "key_ring", "create")
    for command in ("migrate", "collectstatic"):
        manage(portal, command, "--no-input", "--verbosity", "0")
    found: dict[str, Any] = json.loads(manage(portal, "shell", "--no-imports", "-c", LOOK).splitlines()[-1])
    assert found["people"] == ["chen.jie", "he.xin", "li.na", "root.local", "sun.li", "zhang.wei"]
    assert found["platform"] == ["he.xin", "root.local", "zhang.wei"]
    assert found["clusters"] == {"pay-dev": ["running", 5], "pay-test": ["running", 4]}
    assert found["lines"]["nodes"] == [9, 20]
    assert found["lines"]["memory_gib"] == [36, 160]
    assert found["lines"]["registry_gib"] == [0, None], "measured since there are images, and as unlimited as it was"
    assert found["audit"] >= 10
    assert found["pages"] == [200] * 4
    assert found["local"]
    assert "right" in manage(portal, "verify_audit")
