"""Directories are made, changed, tested and removed here; the stored password never goes anywhere else."""

import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import ldap.dn
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from pks_portal import sealed
from pks_portal.errors import Conflict, Invalid
from tenants import audit
from tenants.access import require
from tenants.directory import checking, sources
from tenants.directory.config import Config
from tenants.directory.transport import port_of
from tenants.models import DirectoryServer, DirectorySource, User

MOST_SERVERS = 8
BOUND = ("kind", "start_tls", "ca_pem", "bind_dn")
"""With the servers: when any of it changes, the password has to be typed again, or a changed address would learn it."""


def check_server(uri: str) -> None:
    """Raise Invalid unless this is a server that may be asked: ldaps or ldap, by name, at an allowed port."""
    parts = urlsplit(uri)
    try:
        port = port_of(parts)
    except ValueError:
        port = -1
    strange = port < 0 or parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or strange:
        raise Invalid("error.directory_uri", field="servers", uri=uri[:120])
    if parts.hostname.lower() == "localhost":
        raise Invalid("error.directory_localhost", field="servers")
    if port not in settings.PKS_DIRECTORY_PORTS:
        ports = ", ".join(str(one) for one in sorted(set(settings.PKS_DIRECTORY_PORTS)))
        raise Invalid("error.directory_port", field="servers", port=port, ports=ports)


def check_servers(uris: Sequence[str]) -> None:
    """Raise Invalid unless there is at least one server, none twice, and each may be asked."""
    if not uris or len(uris) > MOST_SERVERS or len(set(uris)) != len(uris):
        raise Invalid("error.directory_servers", field="servers", most=MOST_SERVERS)
    for uri in uris:
        check_server(uri)


def check_dn(text: str) -> None:
    """Raise ValidationError unless this is a DN."""
    if not text or not ldap.dn.is_dn(text):
        raise ValidationError(str(Invalid("error.directory_dn", value=text[:80])))


def check_bind_name(text: str) -> None:
    r"""Raise ValidationError unless this can be a bind name: a DN, or for Active Directory name@suffix or CORP\name."""
    if not (ldap.dn.is_dn(text) or "@" in text or "\\" in text):
        raise ValidationError(str(Invalid("error.directory_dn", value=text[:80])))


def check_authorities(pem: str) -> None:
    """Raise ValidationError unless these are certificates in PEM."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ValidationError(str(Invalid("error.directory_pem"))) from error


def check_filter(text: str, *, login: bool) -> None:
    """Raise ValidationError unless brackets match; `login`: "{login}" has to be in it, once."""
    depth = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            break
    if depth or not text.startswith("(") or (login and text.count("{login}") != 1):
        raise ValidationError(str(Invalid("error.directory_filter")))


def password_for(row: DirectorySource, uris: Sequence[str], typed: str) -> str:
    """Return the password to use: the typed one, else the stored one if all that it goes to is as before.

    Raises Invalid when it has to be typed again.
    """
    if typed:
        return typed
    stored = DirectorySource.objects.filter(pk=row.pk).first()
    same = stored is not None and all(getattr(stored, name) == getattr(row, name) for name in BOUND)
    if stored is None or not same or set(uris) - set(stored.servers.values_list("uri", flat=True)):
        raise Invalid("error.directory_password", field="bind_password")
    return sealed.get(stored, "bind_password")


@transaction.atomic
def save(actor: User, row: DirectorySource, uris: Sequence[str], typed: str) -> DirectorySource:
    """Keep a new or changed directory. Raises Forbidden, Invalid, Conflict (the environment describes it)."""
    require(actor, "directory.manage", None)
    _refuse_environment(row)
    check_servers(uris)
    new = _is_new(row)
    before = None if new else DirectorySource.objects.select_for_update().filter(pk=row.pk).first()
    sealed.put(row, "bind_password", password_for(row, uris, typed))
    if new:
        row.position = DirectorySource.objects.count()
    row.save()
    row.servers.all().delete()
    DirectoryServer.objects.bulk_create(
        DirectoryServer(source=row, uri=uri, position=position) for position, uri in enumerate(uris)
    )
    changed = _changed(before, row)
    audit.record(
        actor, "directory.create" if new else "directory.change", row, servers=list(uris), changed=changed,
        password_typed=bool(typed),
    )  # fmt: skip
    return row


@transaction.atomic
def switch(actor: User, row: DirectorySource, *, enabled: bool) -> None:
    """Let people sign in with a directory, or no longer; who is signed in stays so. Raises Forbidden, Conflict."""
    require(actor, "directory.manage", None)
    _refuse_environment(row)
    if row.enabled != enabled:
        DirectorySource.objects.filter(pk=row.pk).update(enabled=enabled)
        row.enabled = enabled
        audit.record(actor, "directory.enable" if enabled else "directory.disable", row)


@transaction.atomic
def move(actor: User, row: DirectorySource, position: int) -> None:
    """Have a directory asked at another place among those in use, 0: the first. Raises Forbidden.

    A place beyond the last is the last; the environment's may be moved too.
    """
    require(actor, "directory.manage", None)
    rows = list(DirectorySource.objects.select_for_update())
    used = {source.pk for source in sources.listed()}
    order = sorted(rows, key=lambda one: one.pk not in used)  # keeps the order otherwise
    if row.pk not in used:
        return
    moved = [one for one in order if one.pk != row.pk]
    moved.insert(min(position, len(used) - 1), next(one for one in order if one.pk == row.pk))
    if [one.pk for one in moved] == [one.pk for one in order]:
        return
    for number, one in enumerate(moved):
        one.position = number
    DirectorySource.objects.bulk_update(moved, ["position"])
    audit.record(actor, "directory.move", row, position=position)


@transaction.atomic
def remove(actor: User, row: DirectorySource) -> None:
    """Remove a directory that nobody's account is of. Raises Forbidden, Conflict."""
    require(actor, "directory.manage", None)
    _refuse_environment(row)
    if people := row.people.count():
        raise Conflict("error.directory_has_people", name=row.name, people=people)
    audit.record(actor, "directory.delete", row)
    row.delete()


def try_out(actor: User, row: DirectorySource, uris: Sequence[str], typed: str) -> checking.Report:
    """Test settings, saved or not. Raises Forbidden, Invalid (also: the password has to be typed again)."""
    require(actor, "directory.manage", None)
    config: Config | None
    if row.from_environment:
        config = sources.config_of(row)
    else:
        check_servers(uris)
        config = sources.build(row, tuple(uris), password_for(row, uris, typed))
    if config is None:
        raise Conflict("error.directory_off", name=row.label)
    audit.record(actor, "directory.test", None if _is_new(row) else row, servers=list(config.uris))
    return checking.check(config)


def _is_new(row: DirectorySource) -> bool:
    return row.created_at is None


def _refuse_environment(row: DirectorySource) -> None:
    if row.from_environment:
        raise Conflict("error.directory_environment")


def _changed(before: DirectorySource | None, after: DirectorySource) -> list[str]:
    """Return the names of the settings that differ, never their values: a DN may tell more than it should."""
    if before is None:
        return []
    secret = {"bind_password", "synced_at", "trouble"}
    fields = [field.attname for field in DirectorySource._meta.concrete_fields if field.attname not in secret]
    return [name for name in fields if getattr(before, name) != getattr(after, name)]
