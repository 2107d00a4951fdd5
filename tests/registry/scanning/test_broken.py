"""An image judged by an absent, broken or old database: so it says on its page, in REST, and to who pulls."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from registry import pulling
from registry.models import Artifact, Project
from registry.scanning import databases, place, scans
from registry.severity import Severity
from tenants.models import User
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of
from tests.registry.pushing import Pusher
from tests.registry.scanning import trivydb
from tests.tools import client_of

pytestmark = pytest.mark.real
Work = Callable[[], None]
LODASH = {"usr/lib/node_modules/lodash/package.json": '{"name":"lodash","version":"4.17.4"}'}


@pytest.fixture
def developer(transactional_db: None, project: Project) -> User:
    Project.objects.update(block_severity=Severity.CRITICAL)
    user: User = MembershipFactory.create(tenant=project.tenant, role="developer").user
    return user


def seen(user: User, artifact: Artifact) -> tuple[str, dict[str, Any], str]:
    """Return the artifact's page, what REST says of trivy's scan, and why it may not be pulled."""
    artifact.refresh_from_db()
    page = browser_of(user).get(f"/images/shop/web@{artifact.digest}").content.decode()
    items = client_of(user).get(f"/api/v1/registry/artifacts/{artifact.pk}/scans").json()["items"]
    refusal = pulling.refusal(artifact, Project.objects.get(pk=artifact.repository.project_id))
    return page, next(one for one in items if one["scanner"] == "trivy"), str(refusal or "")


def break_it(home: Path) -> None:
    (home / "trivy.db").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("how", ["absent", "broken"])
def test_nothing_is_said_where_nothing_can_be_said(
    work: Work, pusher: Pusher, developer: User, made: Callable[[datetime], Path], how: str
) -> None:
    artifact = pusher.image("1.0", **LODASH)
    if how == "broken":
        databases.take_in(trivydb.archive(made(timezone.now())))
        break_it(place.trivy() / "db")
    scans.ask(developer, artifact)
    work()
    page, scan, refusal = seen(developer, artifact)
    text = {
        "absent": "There is no vulnerability database",
        "broken": "The vulnerability database trivy-db cannot be read",
    }[how]
    assert artifact.scan_state == Artifact.ScanState.ERROR
    assert text in page
    assert "finding" not in page.partition('<aside class="stack"')[0].partition('id="artifact"')[2]
    assert (scan["state"], text in scan["error"], scan["database_state"]) == ("error", True, how)
    assert refusal
    assert "It may not be pulled." in page
    assert client_of(developer).get(f"/api/v1/registry/artifacts/{artifact.pk}").json()["findings"] is None


def test_what_an_old_database_said_is_shown_as_that(
    work: Work, pusher: Pusher, developer: User, made: Callable[[datetime], Path]
) -> None:
    artifact = pusher.image("1.0", **LODASH)
    databases.take_in(trivydb.archive(made(timezone.now() - timedelta(days=9))))
    scans.ask(developer, artifact)
    work()
    page, scan, refusal = seen(developer, artifact)
    assert (scan["state"], scan["database_state"]) == ("success", "old")
    assert "old database" in page
    assert "trivy-db" in refusal
