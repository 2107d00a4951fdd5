"""What a sync brings in when the directory is odd, or somebody acts between the comparison and the deed."""

from typing import Any

import pytest

from pks_portal.directories import syncing, tasks
from tenants import leaving, signin
from tenants.directory import applying, comparing, sources
from tenants.directory.client import LONGEST_LOGIN
from tenants.directory.comparing import Diff
from tenants.directory.reading import Seen
from tenants.directory.searching import Person
from tenants.models import ENVIRONMENT, DirectorySource, GroupMapping, Membership, User
from tests.factories import TenantFactory, UserFactory

pytestmark = pytest.mark.django_db
GROUP = "cn=viewers,dc=corp"


@pytest.fixture
def source() -> DirectorySource:
    """Return the environment's directory, whose group makes people viewers."""
    source = DirectorySource.objects.get(pk=ENVIRONMENT)
    GroupMapping.objects.create(group_dn=GROUP, tenant=TenantFactory.create(), role="viewer", directory=source)
    return source


def person(id_: str, login: str) -> Person:
    return Person(id=id_, login=login, dn="", name=login, name_zh="", mail="", enabled=True)


def compared(source: DirectorySource, *people: Person) -> Diff:
    """Return what a sync would change where all these people are in the group."""
    seen = Seen({one.id: one for one in people}, {one.id: frozenset({GROUP}) for one in people}, frozenset())
    return comparing.compare(source, seen, comparing.mappings_of(source))


def test_of_two_newcomers_with_one_name_one_comes_in_and_the_others_are_not_held_up(source: DirectorySource) -> None:
    diff = compared(source, person("a", "li.na"), person("b", "Li.Na"), person("c", "wang.wei"))
    assert [name.lower() for name in applying.apply(source, diff, actor=None)] == ["li.na"]
    assert {user.username.lower() for user in User.objects.filter(directory_id__in="abc")} == {"li.na", "wang.wei"}


def test_a_name_that_is_too_long_holds_up_nobody(source: DirectorySource) -> None:
    long = "x" * (LONGEST_LOGIN + 1)
    applying.apply(source, compared(source, person("a", long), person("b", "li.na")), actor=None)
    assert [user.username for user in User.objects.filter(directory_id__in="ab")] == ["li.na"]


def test_who_was_dismissed_meanwhile_gets_no_role(source: DirectorySource) -> None:
    user = signin.admit(person("a", "li.na"), frozenset())
    diff = compared(source, person("a", "li.na"))
    assert diff.changes, "there is a role to give"
    leaving.deactivate(user, by=UserFactory.create(), reason="dismissed")
    applying.apply(source, diff, actor=None)
    assert not Membership.objects.filter(user=user).exists()


def test_a_directory_that_answers_strangely_stops_no_other(
    source: DirectorySource, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other, looked = DirectorySource(slug="other"), []

    def look(one: DirectorySource) -> None:
        looked.append(one)
        if one is source:
            raise ValueError("badly formed GUID")

    both: list[tuple[DirectorySource, Any]] = [(source, None), (other, None)]
    monkeypatch.setattr(sources, "configured", lambda: both)
    monkeypatch.setattr(syncing, "look", look)
    tasks.look()
    assert looked == [source, other]
    assert source.slug in caplog.text
