"""`pks compare-images`: what differs between two images of a repository."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import REPOSITORIES, Reference
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

SIGNS = {"added": "+", "gone": "-", "changed": "~"}


def compare_images(
    before: references.Image,
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help=say("The other one of the same repository: a TAG, a digest, a name."))
    ],
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="OS/ARCH", help=say("Of several platforms, this one's image."))
    ] = None,
    json: options.Json = False,
) -> None:
    old = Reference.read(before)
    new = Reference.read(after if "/" in after else _beside(old, after))
    if new.repository != old.repository:
        raise Misused(say("Both must be of one repository."))
    portal = Portal()
    found = references.repository(portal, old.repository)
    said = portal.get(
        f"{REPOSITORIES}/{found['id']}/comparison",
        before=old.digest or old.tag, after=new.digest or new.tag, platform=platform,
    )  # fmt: skip
    if json:
        return show.data(said)
    show.facts(_facts(said))
    _packages(said["packages"])
    return _vulnerabilities(said["vulnerabilities"])


def _beside(old: Reference, text: str) -> str:
    return f"{old.repository}{'@' if text.startswith('sha256:') else ':'}{text}"


def _facts(said: dict[str, Any]) -> list[tuple[str, Any]]:
    size = said["size"]
    sign = "" if size is None else "+" if size >= 0 else "-"
    return [
        (say("Platform"), said["platform"] or None),
        (say("Platforms"), ", ".join(said["platforms"]) or None),
        (say("Before"), said["before"]["digest"]),
        (say("After"), said["after"]["digest"]),
        (say("Size"), say("no image to compare") if size is None else f"{sign}{references.size(abs(size))}"),
        (say("Layers"), _counts(said["layers"])),
        (say("Packages"), _counts(said["packages"])),
        (say("Vulnerabilities"), _counts(said["vulnerabilities"])),
        (say("Databases"), None if _alike(said) else say("not the same: a difference may be one of the databases")),
    ]


def _alike(said: dict[str, Any]) -> bool:
    return said["vulnerabilities"] is None or bool(said["vulnerabilities"]["alike"])


def _counts(part: dict[str, Any] | None) -> str:
    """Return "+3 -1 (5 the same)"; what nobody looked into is not said to be the same."""
    if part is None:
        return say("not scanned")
    counts = " ".join(f"{sign}{len(part[kind])}" for kind, sign in SIGNS.items() if kind in part)
    return f"{counts} ({say('{number} the same', number=part['same'])})"


def _rows(part: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    return ((sign, one) for kind, sign in SIGNS.items() for one in part.get(kind, []))


def _packages(part: dict[str, Any] | None) -> None:
    rows = [
        [sign, one["name"], one["ecosystem"], ", ".join(one["before"]), ", ".join(one["after"])]
        for sign, one in _rows(part or {})
    ]
    if rows:
        show.line()
        show.table(["", say("Package"), say("Ecosystem"), say("Before"), say("After")], rows)


def _vulnerabilities(part: dict[str, Any] | None) -> None:
    rows = [
        [sign, one["id"], one["severity"], ", ".join(one["packages"]), ", ".join(one["fixed_in"]), one["title"]]
        for sign, one in _rows(part or {})
    ]
    if rows:
        show.line()
        show.table(["", say("Vulnerability"), say("Severity"), say("Package"), say("Fixed in"), ""], rows)
