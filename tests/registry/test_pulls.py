"""Pulls in the audit trail: one row for who what in an hour, exact though they come at once, refused ones apart."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry import pulls, removing
from registry.gateway import deciding
from registry.models import Artifact, Project, PullTally, Repository
from registry.names import Name
from registry.tokens.signing import Claims
from tenants.models import AuditEntry
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
NAME = Name("shop", "web")
LI_NA = Claims("li.na", "person", "1", {"shop/web": frozenset({"pull"})})
CI = Claims("robot-shop.ci", "robot", "2", {"shop/web": frozenset({"pull"})})
NOBODY = Claims("", "nobody", "", {"shop/web": frozenset({"pull"})})


@pytest.fixture
def artifact(project: Project) -> Artifact:
    repository = Repository.objects.create(project=project, name="web")
    return Artifact.objects.create(
        repository=repository, digest=f"sha256:{1:064x}", kind="image", media_type="m", manifest_size=2, size=2
    )


def over() -> None:
    """Let the hour be over."""
    PullTally.objects.update(hour=timezone.now() - timedelta(hours=2))


def entries(deed: str) -> list[dict[str, Any]]:
    return [row.facts for row in AuditEntry.objects.filter(action=deed).order_by("pk")]


def test_a_hundred_pulls_are_one_row_for_each_who_pulled(artifact: Artifact) -> None:
    for claims in (LI_NA, CI, CI, NOBODY):
        deciding.find(NAME, artifact.digest, claims, counts=True)
    deciding.find(NAME, artifact.digest, LI_NA, counts=False)
    assert pulls.write() == 0, "the hour is not over"
    over()
    assert pulls.write() == 3
    told = {facts["by"]: facts["count"] for facts in entries("registry.pulls")}
    assert told == {"li.na": 1, "robot-shop.ci": 2, "anonymous": 1}
    assert {facts["digest"] for facts in entries("registry.pulls")} == {artifact.digest}
    assert pulls.write() == 0


def test_refused_pulls_stand_apart_with_their_reason(artifact: Artifact, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(signed_only=True)
    for _ in range(3):
        with pytest.raises(deciding.Refused):
            deciding.find(NAME, artifact.digest, CI, counts=True)
    over()
    pulls.write()
    (facts,) = entries("registry.refused")
    assert (facts["count"], facts["reason"]["key"]) == (3, "refusal.unsigned")
    assert not entries("registry.pulls")


def test_what_was_counted_outlives_its_repository(artifact: Artifact, project: Project) -> None:
    deciding.find(NAME, artifact.digest, CI, counts=True)
    removing.repository(MembershipFactory.create(tenant=project.tenant, role="admin").user, artifact.repository)
    assert [facts["count"] for facts in entries("registry.pulls")] == [1]
