"""Directories in the database: whose a name is, what may be typed, and where a password may go."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from pks_portal import sealed
from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import signin
from tenants.directory import comparing, managing, sources
from tenants.directory.client import Rejected
from tenants.directory.reading import Seen
from tenants.directory.searching import Person
from tenants.models import (
    ENVIRONMENT,
    AuditEntry,
    DirectoryServer,
    DirectorySource,
    GroupMapping,
    Membership,
    Source,
    User,
)
from tests.factories import PlatformGrantFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return PlatformGrantFactory.create().user


def row(slug: str = "corp", **more: Any) -> DirectorySource:
    facts = {"name": slug, "bind_dn": "cn=portal,dc=corp", "user_base": "dc=corp", "group_base": "dc=corp", **more}
    return DirectorySource(slug=slug, **facts)


def described(slug: str, **more: Any) -> DirectorySource:
    source = row(slug, position=DirectorySource.objects.count(), **more)
    source.save()
    DirectoryServer.objects.create(source=source, uri=f"ldaps://{slug}.example")
    return source


def person(**facts: Any) -> Person:
    known = {"id": "id-1", "login": "li.na", "dn": "", "name": "Li Na", "name_zh": "", "mail": "", "enabled": True}
    return Person(**{**known, **facts})


# whose a name is


def asked(login: str) -> list[tuple[str, str]]:
    return [
        (one.config.uris[0].removeprefix("ldaps://").removesuffix(".example"), one.name)
        for one in sources.asked_for(login)
    ]


def test_names_go_to_the_directory_that_has_them(settings: Settings) -> None:
    settings.DIRECTORY = {}
    described("one", kind="ad", domain="CORP", suffixes="corp.example, corp.cn")
    described("two", domain="two")
    described("off", enabled=False)
    assert asked("li.na") == [("one", "li.na"), ("two", "li.na")]
    assert asked("corp\\li.na") == [("one", "li.na")]
    assert asked("TWO\\li.na") == [("two", "li.na")]
    assert asked("li.na@corp.cn") == [("one", "li.na@corp.cn")]
    assert asked("li.na@else.example") == [("two", "li.na@else.example")]
    assert asked("else\\li.na") == [("one", "else\\li.na"), ("two", "else\\li.na")]


def test_the_same_name_in_two_directories_is_two_people_with_two_names() -> None:
    other = described("other")
    first = signin.admit(person(), frozenset())
    second = signin.admit(person(source=other.pk), frozenset())
    assert (first.pk != second.pk, first.username, second.username) == (True, "li.na", "li.na@other")
    assert signin.admit(person(source=other.pk), frozenset()).pk == second.pk
    assert signin.admit(person(), frozenset()).username == "li.na"


def test_a_group_of_one_directory_gives_nothing_to_people_of_another() -> None:
    other = described("other")
    GroupMapping.objects.create(group_dn="cn=admins,dc=corp", tenant=None, role="platform-admin")
    user = signin.admit(person(source=other.pk), frozenset({"cn=admins,dc=corp"}))
    assert not user.platform_grants.exists()


def test_a_leavers_name_is_free_for_a_newcomer_and_a_present_persons_is_not() -> None:
    first = signin.admit(person(), frozenset())
    with pytest.raises(Rejected, match="name_taken"):
        signin.admit(person(id="id-2"), frozenset())
    User.objects.filter(pk=first.pk).update(is_active=False)
    second = signin.admit(person(id="id-2"), frozenset())
    first.refresh_from_db()
    assert (second.username, first.username) == ("li.na", "li.na~id-1")


# what may be typed


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("http://corp.example", "uri"),
        ("ldaps://", "uri"),
        ("ldaps://user:secret@corp.example", "uri"),
        ("ldaps://corp.example/dc=corp", "uri"),
        ("ldaps://corp.example?x", "uri"),
        ("ldaps://corp.example:99999", "uri"),
        ("ldap://localhost", "localhost"),
        ("ldap://corp.example:6379", "port"),
        ("ldaps://169.254.169.254:80", "port"),
        ("ldapi://%2fvar%2frun", "uri"),
    ],
)
def test_only_servers_of_directories_may_be_typed(uri: str, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        managing.check_server(uri)
    assert caught.value.key == f"error.directory_{key}"
    assert "secret" not in str(caught.value.detail) or key == "uri"


def test_good_servers_may_be_typed() -> None:
    for uri in ("ldaps://dc1.corp.example", "ldap://10.0.0.1:389", "ldaps://[::1]:3269", "ldap://dc:3268"):
        managing.check_server(uri)


# where a password may go


@pytest.fixture
def kept(admin: User) -> DirectorySource:
    return managing.save(admin, row(), ["ldaps://dc1.example", "ldaps://dc2.example"], "Stored-Secret-1")


def test_the_password_is_sealed_and_comes_back_for_the_same_servers_only(kept: DirectorySource, admin: User) -> None:
    assert "Stored-Secret-1" not in str(DirectorySource.objects.filter(pk=kept.pk).values())
    assert managing.password_for(kept, ["ldaps://dc2.example"], "") == "Stored-Secret-1"
    assert managing.password_for(kept, ["ldaps://evil.example"], "typed") == "typed"
    kept.name = "Another name"
    managing.save(admin, kept, ["ldaps://dc2.example"], "")
    assert sealed.get(DirectorySource.objects.get(pk=kept.pk), "bind_password") == "Stored-Secret-1"


@pytest.mark.parametrize(
    "change",
    [{"uri": "ldaps://evil.example"}, {"uri": "ldaps://dc1.example:3269"}, {"ca_pem": "x"}, {"bind_dn": "cn=else"},
     {"start_tls": False}, {"kind": "ad"}],
)  # fmt: skip
def test_it_has_to_be_typed_again_when_what_it_goes_to_changes(
    kept: DirectorySource, admin: User, change: dict[str, Any]
) -> None:
    uris = [change.get("uri", "ldaps://dc1.example")]
    for name, value in change.items():
        setattr(kept, name, value)
    for deed in (managing.try_out, managing.save):
        with pytest.raises(Invalid, match="again"):
            deed(admin, kept, uris, "")
    stored = DirectorySource.objects.get(pk=kept.pk)
    assert sealed.get(stored, "bind_password") == "Stored-Secret-1"


def test_a_listener_hears_no_password(kept: DirectorySource, admin: User, settings: Settings) -> None:
    """Neither without typing it, nor with: who cannot show the pinned certificate gets a handshake and no more."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        settings.PKS_DIRECTORY_PORTS = [*settings.PKS_DIRECTORY_PORTS, port]
        thread = threading.Thread(target=_listen, args=(listening, heard), daemon=True)
        thread.start()
        for uri in (f"ldaps://127.0.0.1:{port}", f"ldap://127.0.0.1:{port}"):
            with pytest.raises(Invalid):
                managing.try_out(admin, kept, [uri], "")
        assert not heard, "not even a connection"
        kept.connect_timeout = 0.3
        for uri in (f"ldaps://127.0.0.1:{port}", f"ldap://127.0.0.1:{port}"):
            report = managing.try_out(admin, kept, [uri], "Typed-Secret-2")
            assert not report.ok
            assert not report.servers[0].ok
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert heard
    assert b"Secret" not in heard


def _listen(listening: socket.socket, heard: bytearray) -> None:
    while True:
        try:
            one, _ = listening.accept()
        except OSError:
            return
        one.settimeout(2)
        with one, suppress(OSError):
            while data := one.recv(4096):
                heard += data


def test_only_the_platforms_administrators_and_never_the_environments(kept: DirectorySource, admin: User) -> None:
    auditor = PlatformGrantFactory.create(role="auditor").user
    for deed in (managing.try_out, managing.save):
        with pytest.raises(Forbidden):
            deed(auditor, kept, ["ldaps://dc1.example"], "x")
    own = DirectorySource.objects.get(pk=ENVIRONMENT)
    with pytest.raises(Conflict):
        managing.save(admin, own, ["ldaps://dc1.example"], "x")
    with pytest.raises(Conflict):
        managing.switch(admin, own, enabled=False)


def test_the_order_is_changed_past_what_is_not_in_use(admin: User, settings: Settings) -> None:
    settings.DIRECTORY = {**settings.DIRECTORY, "uris": []}
    one, two, three = described("one"), described("two"), described("three")
    managing.move(admin, three, 0)
    assert [source.slug for source in sources.listed()] == ["three", "one", "two"]
    managing.move(admin, three, 1), managing.move(admin, one, 99)
    assert [source.slug for source in sources.listed()] == ["three", "two", "one"]
    assert asked("li.na") == [("three", "li.na"), ("two", "li.na"), ("one", "li.na")]
    records = AuditEntry.objects.filter(action="directory.move")
    managing.move(admin, two, 1)  # where it is already
    assert records.count() == 3
    with pytest.raises(Forbidden):
        managing.move(UserFactory.create(), two, 0)


def test_a_directory_with_people_is_not_removed(kept: DirectorySource, admin: User) -> None:
    User.objects.create(username="x", directory_source=kept, directory_id="1")
    with pytest.raises(Conflict):
        managing.remove(admin, kept)
    User.objects.all().exclude(pk=admin.pk).delete()
    managing.remove(admin, kept)
    assert not DirectorySource.objects.filter(slug="corp").exists()


# what a sync would change


def seen(people: list[Person], **groups: list[str]) -> Seen:
    of: dict[str, frozenset[str]] = {}
    for dn, ids in groups.items():
        for one in ids:
            of[one] = of.get(one, frozenset()) | {dn}
    return Seen({one.id: one for one in people}, of, frozenset())


def test_the_brake_counts_people_and_roles_and_lets_few_pass() -> None:
    source, tenant = DirectorySource.objects.get(pk=ENVIRONMENT), TenantFactory.create()
    people = [person(id=f"id-{n}", login=f"p{n}") for n in range(30)]
    for one in people:
        user = signin.admit(one, frozenset())
        Membership.objects.create(user=user, tenant=tenant, role="viewer", source=Source.DIRECTORY, via="a")
    mappings = [GroupMapping(directory=source, group_dn="a", tenant=tenant, role="viewer")]
    every = [one.id for one in people]

    def braked(present: int, in_group: int) -> bool:
        diff = comparing.compare(source, seen(people[:present], a=every[:in_group]), mappings)
        return diff.too_much(20)

    assert not braked(30, 30)
    assert not braked(24, 24)  # 6 of 30 are 20 %, not more
    assert braked(23, 23)
    assert not braked(30, 24)
    assert braked(30, 23)
    assert braked(0, 0)
    User.objects.filter(directory_id__in=every[5:]).update(is_active=False)
    assert not comparing.compare(source, seen([]), mappings).too_much(20), "five may always go"


def test_people_are_compared_by_id_and_only_the_syncs_own_leavers_return() -> None:
    source = DirectorySource.objects.get(pk=ENVIRONMENT)
    gone, back, sacked = (signin.admit(person(id=name, login=name), frozenset()) for name in ("gone", "back", "sacked"))
    from tenants import leaving

    leaving.deactivate(back, by=None, reason="directory.disabled")
    leaving.deactivate(sacked, by=User.objects.create(username="boss"), reason="sacked")
    people = [person(id="back", login="back"), person(id="sacked", login="sacked")]
    diff = comparing.compare(source, seen(people), [])
    assert {(change.what, change.login) for change in diff.changes} == {("leave", "gone"), ("return", "back")}
    assert gone.pk


def test_newcomers_whose_name_a_local_account_has_are_refused_by_name() -> None:
    source, tenant = DirectorySource.objects.get(pk=ENVIRONMENT), TenantFactory.create()
    User.objects.create_user("root")
    mapping = GroupMapping(directory=source, group_dn="a", tenant=tenant, role="viewer")
    diff = comparing.compare(source, seen([person(id="1", login="root")], a=["1"]), [mapping])
    assert (diff.changes, diff.refused) == ([], ("root",))


def test_authorities_are_written_once_and_found_again(tmp_path: Path) -> None:
    first = sources.ca_file("PEM")
    assert Path(first).read_text() == "PEM"
    assert sources.ca_file("PEM") == first
    assert sources.ca_file("") == ""
