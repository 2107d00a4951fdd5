"""A database of the previous release comes to the present whole, and work goes on in it."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
    with portal_of(tmp_path, "previous") as environment:
        yield environment


@contextmanager
def portal_of(tmp_path: Path, dump: str = "") -> Iterator[dict[str, str]]:
    """Yield the environment of a portal whose database is that of a dump, or empty where none is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {"PKS_DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 50, "PKS_DEMO": "true"}
    (tmp_path / "db").mkdir()
    (tmp_path / "keys").mkdir()
    if not (url := os.environ.get("DATABASE_URL")):
        with sqlite3.connect(tmp_path / "db" / "portal.sqlite3") as link:
            link.executescript((HERE / f"{dump}.sqlite.sql").read_text() if dump else "")
        link.close()
        yield kept | own
        return
    name = f"previous_{uuid4().hex[:12]}"
    there = urlsplit(url)._replace(path=f"/{name}").geturl()
    subprocess.run(["psql", url, "-qc", f"CREATE DATABASE {name}"], check=True, capture_output=True)
    if dump:
        words = ["psql", there, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(HERE / f"{dump}.postgresql.sql")]
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

IMAGES = """
import json
from django.test import Client
from registry import projects, pulling
from registry.models import Advisory, Artifact, CveException, Project, Robot, TrustedKey
from registry.scanning import harbor, scans
from registry.upkeep import drift
from tenants.models import User
projects.provide()
project = Project.objects.get(name="pay-images")
counted = project.used
drift.recount(project)
image = Artifact.objects.get(repository__project=project, kind="image")
scans.judge_all(image, image.sbom, None, str)
image = scans.sum_up(image)
def page(name, path):
    client = Client()
    client.force_login(User.objects.get(username=name), backend="tenants.directory.backend.DirectoryBackend")
    return client.get(path, HTTP_HOST="localhost").status_code
there = f"/images/pay-images/web@{image.digest}"
print(json.dumps({
    "projects": sorted(Project.objects.values_list("name", flat=True)),
    "used": [counted, Project.objects.get(pk=project.pk).used],
    "found": [one["id"] for one in harbor.report(image, image.scans.all())[harbor.MIME]["vulnerabilities"]],
    "critical": image.critical, "partly": image.not_assessed,
    "refused": pulling.refusal(image, project).key,
    "tags": [[tag.name, tag.artifact.kind] for tag in image.repository.tags.all()],
    "rows": [model.objects.count() for model in (Robot, TrustedKey, CveException, Advisory)],
    "rules": [project.immutable_rules.count(), project.retention_rules.count(), project.members.count()],
    "pages": [page("li.na", path) for path in ("/images", "/images/pay-images", there, "/security?q=CVE")],
    "guest": [page("chen.jie", there), page("chen.jie", "/images/payments")],
}))
"""


def of_images(portal: dict[str, str]) -> None:
    """Check that the images that `make.images` made are there, whole, and are judged and kept back."""
    found: dict[str, Any] = json.loads(manage(portal, "shell", "--no-imports", "-c", IMAGES).splitlines()[-1])
    assert {"pay-images", "payments", "retail"} < set(found["projects"])
    assert found["used"][0] == found["used"][1] > 0
    assert (found["found"], found["critical"], found["partly"]) == (["CVE-2026-0001"], 1, True)
    assert found["refused"] == "refusal.not_assessed"
    assert found["tags"] == [["v1.0", "index"]]
    assert (found["rows"], found["rules"]) == ([1, 1, 1, 1], [1, 1, 1])
    assert (found["pages"], found["guest"]) == ([200] * 4, [200, 404]), "who has a role in the project sees that alone"


PUSH = """
from tenants.models import User
from tests.previous import make
make.images({user.username: user for user in User.objects.all()})
"""


def ready(portal: dict[str, str]) -> None:
    """Bring a portal to the present."""
    manage(portal, "key_ring", "create")
    for command in ("migrate", "collectstatic"):
        manage(portal, command, "--no-input", "--verbosity", "0")


def test_images_are_pushed_into_it(portal: dict[str, str]) -> None:
    ready(portal)
    manage(portal, "shell", "--no-imports", "-c", PUSH)
    of_images(portal)


def test_what_is_made_of_this_release_has_images(tmp_path: Path) -> None:
    with portal_of(tmp_path) as portal:
        program = [sys.executable, str(HERE / "make.py")]
        done = subprocess.run(
            program, cwd=CHECKOUT, env=portal | {"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True,
            check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "INSERT INTO" in done.stdout
        ready(portal)
        of_images(portal)


def test_nothing_is_lost_and_work_goes_on(portal: dict[str, str]) -> None:
    ready(portal)
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
