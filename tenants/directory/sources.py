"""The directories in use, in order: rows of the database and the environment's own; and whose a typed name is."""

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from django.db.models import Count

from pks_portal import files, keyring, paths, sealed
from tenants.directory.config import SHAPES, Config
from tenants.models import ENVIRONMENT, DirectorySource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A directory that is asked for a person, and the name to ask it for."""

    config: Config
    name: str


def config_of(source: DirectorySource) -> Config | None:
    """Return how a directory is reached; None for the environment's where it describes none."""
    if source.pk == ENVIRONMENT:
        return Config.from_settings()
    uris = tuple(server.uri for server in source.servers.all())
    try:
        return build(source, uris, sealed.get(source, "bind_password"))
    except keyring.KeyRingError as error:
        log.error("The bind password of the directory %s cannot be opened: %s", source.slug, error)  # noqa: TRY400
        return replace(build(source, uris, ""), locked=True)


def build(source: DirectorySource, uris: tuple[str, ...], bind_password: str) -> Config:
    """Return how a directory is reached, as its row says, saved or not."""
    shape = SHAPES[source.kind]
    return Config(
        uris=uris,
        bind_dn=source.bind_dn,
        bind_password=bind_password,
        user_base=source.user_base,
        group_base=source.group_base,
        kind=source.kind,
        user_filter=source.user_filter or shape.user_filter,
        group_filter=source.group_filter or shape.group_filter,
        ca_file=ca_file(source.ca_pem),
        start_tls=source.start_tls,
        connect_timeout=source.connect_timeout,
        answer_timeout=source.answer_timeout,
        page_size=source.page_size,
        source=source.pk,
        domain=source.domain.lower(),
        suffixes=tuple(source.suffixes.lower().replace(",", " ").split()),
    )


def configured() -> list[tuple[DirectorySource, Config]]:
    """Return every directory that is described, in order, enabled or not."""
    found = []
    for source in DirectorySource.objects.prefetch_related("servers"):
        config = config_of(source)
        if config is not None and config.uris:
            found.append((source, config))
    return found


def listed() -> list[DirectorySource]:
    """Return the directories as they are listed, in order: all but the environment's where it describes none."""
    described = {source.pk for source, _config in configured()}
    rows = DirectorySource.objects.prefetch_related("servers").annotate(number=Count("people", distinct=True))
    return [row for row in rows.order_by("position", "slug") if row.pk in described or not row.from_environment]


def enabled() -> list[Config]:
    """Return the directories that people may sign in with, in order."""
    return [config for source, config in configured() if source.enabled]


def asked_for(login: str) -> list[Asked]:
    r"""Return whom to ask for a typed name, in order: CORP\name and name@suffix go to the directory that has them."""
    configs = enabled()
    login = login.strip()
    domain, backslash, name = login.partition("\\")
    if backslash and name and (mine := [one for one in configs if one.domain and one.domain == domain.lower()]):
        return [Asked(one, name) for one in mine]
    name, at, suffix = login.rpartition("@")
    if not (at and name):
        return [Asked(one, login) for one in configs]
    if mine := [one for one in configs if suffix.lower() in one.suffixes]:
        return [Asked(one, login if one.kind == "ad" else name) for one in mine]
    return [Asked(one, login) for one in configs if not one.suffixes]


def ca_file(pem: str) -> str:
    """Return a file that holds the pinned authorities, which is all that libldap takes; empty where none are."""
    if not pem:
        return ""
    directory = paths.data() / "run" / "authorities"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file: Path = directory / f"{hashlib.sha256(pem.encode()).hexdigest()}.pem"
    if not file.exists():
        files.write(file, pem)
    return str(file)
