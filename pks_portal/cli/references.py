"""Images as people name them (payments/web:1.0, payments/web@sha256:…), turned into the portal's rows."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self
from urllib.parse import quote

import typer

from pks_portal.cli import show
from pks_portal.cli.failures import Misused, Refused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

REGISTRY: Final = "/api/v1/registry"
PROJECTS: Final = f"{REGISTRY}/projects"
REPOSITORIES: Final = f"{REGISTRY}/repositories"
ARTIFACTS: Final = f"{REGISTRY}/artifacts"
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
LATEST: Final = "latest"
"""The tag that clients mean when none is named."""

Project = Annotated[str, typer.Argument(metavar="PROJECT", help=say("The project's name (pks image-projects)."))]
Repository = Annotated[str, typer.Argument(metavar="PROJECT/NAME", help=say("The repository's full name."))]
Image = Annotated[
    str, typer.Argument(metavar="IMAGE", help=say("PROJECT/NAME:TAG or PROJECT/NAME@sha256:…; the tag latest if none."))
]


@dataclass(frozen=True)
class Reference:
    """A repository's full name, and either a tag or a digest in it."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what a name means, as docker reads it. Raises Misused."""
        name, at, digest = text.partition("@")
        name, colon, tag = name.partition(":")
        wrong = "/" not in name or (at and not DIGEST.fullmatch(digest)) or (colon and not TAG.fullmatch(tag))
        if wrong:
            raise Misused(
                say("“{text}” does not name an image.", text=text),
                say("Write PROJECT/NAME:TAG or PROJECT/NAME@sha256:…, without the portal's address."),
            )
        return cls(name, "" if at else tag or LATEST, digest)  # a digest says more than the tag before it

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def image(portal: Portal, text: str) -> dict[str, Any]:
    """Return the artifact of that name, as lists have it. Raises Misused, Refused if there is none."""
    wanted = Reference.read(text)
    found = portal.every(
        ARTIFACTS, most=1, repository=wanted.repository, tag=wanted.tag or None, digest=wanted.digest or None
    )
    if not found:
        raise _missing(say("Image {name} not found", name=wanted))
    return found[0]


def repository(portal: Portal, name: str) -> dict[str, Any]:
    """Return the repository of that full name. Raises Refused if there is none."""
    if not (found := portal.every(REPOSITORIES, most=1, name=name)):
        raise _missing(say("Repository {name} not found", name=name))
    return found[0]


def path(*names: str) -> str:
    """Return names as parts of an address, so that none of them leads elsewhere. Raises Misused."""
    for name in names:
        if name.strip(".") == "":
            raise Misused(say("“{text}” is not a name.", text=name))
    return "/".join(quote(name, safe="") for name in names)


def size(amount: int | None) -> str:
    """Return bytes as they are read: "12.3 MiB"."""
    if amount is None:
        return ""
    value, unit = float(amount), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":  # noqa: PLR2004
            break
        value /= 1024
    return f"{amount} B" if unit == "B" else f"{value:.1f} {unit}"


def short(digest: str) -> str:
    """Return as much of a digest as people compare."""
    return digest[:19]


def done(answer: Any, text: str) -> None:
    """Say that a change is done; with `--json`, what the portal answered."""
    if show.mode.json:
        show.data(answer)
    else:
        show.line(text)


def _missing(detail: str) -> Refused:
    return Refused(detail, document={"type": "urn:pks-cli:not-found", "status": 404, "detail": detail})
