"""The table case × directory: each case is run on OpenLDAP and on a Samba domain controller, or says why it is not.

`docs/directory.md` has the same table; the last test here compares the two.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ldap
import pytest
from pytest_django.fixtures import Settings

from pks_portal.default_set import mapping
from pks_portal.directories import syncing
from pks_portal.operations.models import Operation
from pks_portal.paths import CHECKOUT
from tenants.directory import applying, transport
from tenants.models import ENVIRONMENT, DirectorySource, GroupMapping, Membership, Source, User
from tests.real.directory.doors import is_in, reason, refusal, roles, sign_in
from tests.real.directory.lab import Lab
from tests.real.directory.peers import Relay, silent, silent_after_tls

pytestmark = [pytest.mark.real, pytest.mark.django_db(transaction=True)]

CASES: dict[str, Callable[["Desk"], None]] = {}
NOT_APPLICABLE: dict[tuple[str, str], str] = {}
"""(case, kind of directory) → why it is not run."""


class Desk:
    """What a case works with."""

    def __init__(self, lab: Lab, settings: Settings, work: Callable[[], None], scratch: Path) -> None:
        self.lab, self.settings, self.work, self.scratch = lab, settings, work, scratch

    def use(self, **changes: Any) -> None:
        """Describe the directory otherwise."""
        self.settings.DIRECTORY = asdict(replace(self.lab.config, **changes))
        transport._until.clear()

    def sync(self) -> Operation | None:
        """Do what the worker does every few minutes; return the task, if something differed."""
        before = set(Operation.objects.values_list("pk", flat=True))
        syncing.look(DirectorySource.objects.get(pk=ENVIRONMENT))
        self.work()
        return Operation.objects.exclude(pk__in=before).first()

    def forced(self) -> Operation:
        """Sync whether or not something seems to differ."""
        operation = syncing._start(DirectorySource.objects.get(pk=ENVIRONMENT), None, {})
        self.work()
        operation.refresh_from_db()
        return operation

    def newcomer(self, login: str, group: str = "pks-risk-admins") -> User:
        """Add a person to the directory who has signed in and has a role."""
        self.lab.add(login)
        self.lab.put(login, group)
        assert sign_in(login)[1].status_code == 302
        return User.objects.get(username=login)


def case(test: Callable[[Desk], None]) -> Callable[[Desk], None]:
    """Add a case to the table; its name is the function's, its meaning the docstring."""
    CASES[test.__name__.replace("_", " ")] = test
    return test


@case
def nested_groups(desk: Desk) -> None:
    """A role comes through a group in a group, at sign-in and by the sync."""
    assert sign_in("zhou.tao")[1].status_code == 302
    assert roles() == {("payments", "developer")}
    desk.sync()
    yuan = User.objects.get(username="yuan.kai")
    assert list(yuan.memberships.values_list("tenant__slug", "role")) == [("risk", "developer")]


@case
def disabled(desk: Desk) -> None:
    """Refused with the words of a wrong password; the sync ends session and roles, and lets back in who is enabled."""
    user = desk.newcomer("dis.abled")
    client, _ = sign_in("dis.abled")
    desk.lab.disable("dis.abled")
    desk.sync()
    user.refresh_from_db()
    assert not user.is_active
    assert not user.memberships.exists()
    assert not is_in(client)
    assert refusal(sign_in("dis.abled")[1])[0] == "sign_in_failed"
    assert reason() in {"disabled", "inactive"}
    desk.lab.disable("dis.abled", disabled=False)
    desk.sync()
    user.refresh_from_db()
    assert user.is_active
    assert user.memberships.get().role == "admin"


@case
def expired(desk: Desk) -> None:
    """An account whose time is over is refused, and left by the sync."""
    user = desk.newcomer("ex.pired")
    desk.lab.expire("ex.pired")
    assert refusal(sign_in("ex.pired")[1])[0] == "sign_in_failed"
    assert reason() in {"account_expired", "locked", "disabled"}
    desk.sync()
    user.refresh_from_db()
    assert not user.is_active


@case
def must_change(desk: Desk) -> None:
    """Said in words after the right password only; the sync leaves the person in peace."""
    user = desk.newcomer("first.day")
    desk.lab.must_change("first.day")
    assert refusal(sign_in("first.day")[1])[0] == "password_change_needed"
    assert refusal(sign_in("first.day", "wrong")[1])[0] == "sign_in_failed"
    desk.sync()
    user.refresh_from_db()
    assert user.is_active


@case
def locked(desk: Desk) -> None:
    """Whom the directory has locked is refused as for a wrong password, even with the right one; nothing is taken."""
    user = desk.newcomer("lo.cked")
    dn = desk.lab.dn("lo.cked")
    for _ in range(6):
        with suppress(ldap.INVALID_CREDENTIALS):
            desk.lab.link(dn, "wrong")
    assert refusal(sign_in("lo.cked")[1])[0] == "sign_in_failed"
    assert reason() in {"locked", "bad_credentials"}
    desk.sync()
    user.refresh_from_db()
    assert user.is_active
    assert user.memberships.exists()


@case
def renamed(desk: Desk) -> None:
    """The account and its roles stay; its name follows at the next sync, without a sign-in."""
    user = desk.newcomer("old.name")
    _rename(desk, "old.name", "new.name")
    desk.sync()
    user.refresh_from_db()
    assert (user.username, user.is_active) == ("new.name", True)
    assert user.memberships.get().role == "admin"


@case
def recycled_name(desk: Desk) -> None:
    """Who gets a leaver's name gets an account of their own, with nothing of the other's."""
    first = desk.newcomer("tmp.old")
    desk.lab.take("tmp.old", "pks-risk-admins")
    desk.lab.delete("tmp.old")
    desk.lab.add("tmp.old")
    assert refusal(sign_in("tmp.old")[1])[0] == "sign_in_failed"  # the old holder is not yet known to be gone
    assert reason() == "name_taken"
    desk.sync()
    first.refresh_from_db()
    assert not first.is_active
    assert sign_in("tmp.old")[1].status_code == 302
    second = User.objects.get(username="tmp.old")
    assert second.pk != first.pk
    assert not second.memberships.exists()


@case
def moved_OU(desk: Desk) -> None:  # noqa: N802
    """Another DN, the same person: account and roles stay."""
    user = desk.newcomer("mo.ved")
    desk.sync()
    with _memberships_follow(desk, "mo.ved"):
        desk.lab.move("mo.ved", "payments")
    task = desk.sync()
    user.refresh_from_db()
    assert task is None
    assert user.memberships.get().role == "admin"
    assert sign_in("mo.ved")[1].status_code == 302
    assert User.objects.filter(username="mo.ved").count() == 1


@case
def forms_of_names(desk: Desk) -> None:
    r"""li.na, LI.NA, li.na@corp.example and CORP\li.na are one account; another suffix is nobody's."""
    desk.use(domain="corp", suffixes=("corp.example",))
    for name in ("li.na", "LI.NA", "li.na@corp.example", "LI.NA@CORP.EXAMPLE", "CORP\\li.na", "corp\\LI.NA"):
        assert sign_in(name)[1].status_code == 302, name
    assert User.objects.get().username == "li.na"
    for name in ("li.na@else.example", "ELSE\\li.na"):
        assert refusal(sign_in(name)[1])[0] == "sign_in_failed", name


@case
def strange_names(desk: Desk) -> None:
    r"""Names with ( ) and, where they are allowed, * and \ are names; a NUL is refused before anybody is asked."""
    name = "o(brien)" if desk.lab.kind == "ad" else "o(b\\r*ien)"
    desk.lab.add(name)
    assert sign_in(name)[1].status_code == 302
    assert User.objects.get().username == name
    for wrong in ("*", "o(*)", f"{name})(|(cn=*", "\\2a", f"{name}\0", "\0"):
        _, response = sign_in(wrong)
        assert response.status_code == 200, wrong
    assert User.objects.count() == 1


@case
def second_server(desk: Desk) -> None:
    """When the first server dies, the second one serves the very next sign-in."""
    with Relay(desk.lab.config.uris[0]) as first:
        desk.use(uris=(first.uri, *desk.lab.config.uris))
        assert sign_in("li.na")[1].status_code == 302
        assert first.connections > 0
        first.stop()
        began = time.monotonic()
        assert sign_in("li.na")[1].status_code == 302
        assert time.monotonic() - began < 3


@case
def silent_peer(desk: Desk) -> None:
    """One or several silent servers cost at most 3 s in all, no CPU, and no attempt of the person."""
    with silent() as one, silent() as two:
        for uris in ((f"ldaps://{one}",), (f"ldap://{one}",), (f"ldaps://{one}", f"ldaps://{two}", f"ldap://{two}")):
            desk.use(uris=uris, start_tls=True)
            assert_soon_unavailable()
        desk.use(uris=(f"ldaps://{one}", *desk.lab.config.uris))
        assert sign_in("li.na")[1].status_code == 302
    desk.use()
    assert refusal(sign_in("li.na", "wrong")[1])[1].endswith("2 attempts left.")


@case
def silent_after_TLS(desk: Desk) -> None:  # noqa: N802
    """A server that falls silent after the handshake costs no more."""
    with silent_after_tls(desk.scratch) as (peer, authority):
        desk.use(uris=(f"ldaps://{peer}",), ca_file=authority)
        assert_soon_unavailable()


@case
def killed_mid_sync(desk: Desk) -> None:
    """A directory that dies while it is read changes no role of anybody."""
    desk.sync()
    before = _roles()
    assert len(before) > 10
    for after in (5_000, 9_000, 13_000):
        with Relay(desk.lab.config.uris[0], cut_after=after) as relay:
            desk.use(uris=(relay.uri,))
            task = desk.forced()
            assert task.status == "failed", (after, relay.passed)
            assert relay.passed > after
        assert _roles() == before
    desk.use()
    assert desk.forced().status == "succeeded"
    assert _roles() == before


@case
def worker_killed(desk: Desk) -> None:
    """A worker that dies while it writes has changed nothing; the next one does all of it."""
    desk.sync()
    before = _roles()
    Membership.objects.filter(role="viewer").delete()
    kept = _roles()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "_record", _die)
        with pytest.raises(KeyboardInterrupt):
            desk.forced()
    assert _roles() == kept
    Operation.objects.update(lease_until=None)
    desk.work()
    assert _roles() == before


@case
def group_base_gone(desk: Desk) -> None:
    """No answer is not an empty one: where the base of groups is gone, no role is changed."""
    desk.sync()
    before = _roles()
    with desk.lab.admin() as link:
        link.rename_s(mapping.GROUP_BASE, "ou=gone")
        try:
            task = desk.forced()
        finally:
            link.rename_s(f"ou=gone,{mapping.SUFFIX}", "ou=groups")
    assert task.status == "failed"
    assert _roles() == before


@case
def group_of_1600(desk: Desk) -> None:
    """All are given their role by one sync, and the next finds nothing to do."""
    desk.lab.crowd("crowd", 1600)
    dn = mapping.group_dn("crowd")
    GroupMapping.objects.create(group_dn=dn, tenant=GroupMapping.objects.exclude(tenant=None)[0].tenant, role="viewer")
    try:
        began = time.monotonic()
        task = desk.sync()
        assert task is not None
        assert task.status == "succeeded"
        assert time.monotonic() - began < 60
        assert Membership.objects.filter(via=dn, source=Source.DIRECTORY).count() == 1600
        assert desk.sync() is None
    finally:
        GroupMapping.objects.filter(group_dn=dn).delete()


@pytest.mark.parametrize("name", CASES)
def test_the_table(
    name: str, lab: Lab, demo: None, settings: Settings, work: Callable[[], None], tmp_path: Path
) -> None:
    if why := NOT_APPLICABLE.get((name, lab.kind)):
        pytest.skip(f"not applicable because {why}")
    CASES[name](Desk(lab, settings, work, tmp_path))


def test_the_documented_table() -> None:
    """docs/directory.md names every case, what it means, and each cell that is not run, with its reason."""
    lines = (CHECKOUT / "docs" / "directory.md").read_text(encoding="utf-8")
    for name, test in CASES.items():
        cells = [NOT_APPLICABLE.get((name, kind), "run") for kind in ("openldap", "ad")]
        row = f"| {name} | {' '.join(str(test.__doc__).split())} | {cells[0]} | {cells[1]} |"
        assert row.replace("|(", "\\|(") in lines, row


def _rename(desk: Desk, old: str, new: str) -> None:
    with _memberships_follow(desk, old, new):
        desk.lab.rename(old, new)


class _memberships_follow:  # noqa: N801
    """OpenLDAP leaves the members of groups to whoever renames a person; Active Directory changes them itself."""

    def __init__(self, desk: Desk, login: str, new: str = "") -> None:
        self.lab, self.login, self.new = desk.lab, login, new or login

    def __enter__(self) -> None:
        if self.lab.kind == "openldap":
            self.lab.take(self.login, "pks-risk-admins")

    def __exit__(self, *_unused: object) -> None:
        if self.lab.kind == "openldap":
            self.lab.put(self.new, "pks-risk-admins")


def _roles() -> set[tuple[str, str, str]]:
    return set(Membership.objects.values_list("user__username", "tenant__slug", "role"))


def assert_soon_unavailable() -> None:
    """Sign in while the directory is silent; the best of three tries counts, for the machine may have other work."""
    tries = []
    for _ in range(3):
        began, burnt = time.monotonic(), _cpu()
        assert refusal(sign_in("li.na")[1])[0] == "directory_unavailable"
        tries.append((time.monotonic() - began, _cpu() - burnt))
        if tries[-1][0] < 3:
            break
    assert min(seconds for seconds, _ in tries) < 3
    assert min(cpu for _, cpu in tries) < 1


def _cpu() -> float:
    used = os.times()
    return used.user + used.system


def _die(*_unused: object) -> None:
    raise KeyboardInterrupt
