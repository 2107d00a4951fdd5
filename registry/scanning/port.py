"""What a scanner is to the registry, shaped after Harbor's pluggable-scanner-spec 1.2, in two halves.

One half says what an image consists of (its SBOM), for which it must be pulled; the other judges an SBOM, which needs
no image: so what lies here is judged anew whenever a database changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from registry.severity import Severity

OLD: Final = timedelta(days=7)
"""After which a database counts as old: still used, and said to be old wherever its results are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package in an image. `ecosystem` as OSV names it ("PyPI", "Debian:12"); empty: none that is known.

    `source` and `source_version`: what it was built from, under which distributions file their advisories.
    """

    name: str
    version: str
    ecosystem: str = ""
    purl: str = ""
    licenses: tuple[str, ...] = ()
    source: str = ""
    source_version: str = ""

    def stored(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "name": self.name, "version": self.version, "ecosystem": self.ecosystem, "purl": self.purl,
            "licenses": list(self.licenses), "source": self.source, "source_version": self.source_version,
        }  # fmt: skip

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Package":
        """Return what `stored` made."""
        return cls(**{**stored, "licenses": tuple(stored.get("licenses", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A vulnerability in a package. `score`: CVSS base score, 0 to 10; `fixed_in` empty: no fixed version is known."""

    id: str
    package: str
    version: str
    severity: Severity
    fixed_in: str = ""
    score: float | None = None
    vector: str = ""
    status: str = ""
    title: str = ""
    description: str = ""
    links: tuple[str, ...] = ()
    cwe_ids: tuple[str, ...] = ()
    source: str = ""
    ecosystem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What a scanner judges by. `state`: "ok", "old", "absent" or "broken", the last with its cause."""

    name: str
    state: str
    updated_at: datetime | None = None
    records: int | None = None
    sources: tuple[str, ...] = ()
    cause: str = ""

    @property
    def usable(self) -> bool:
        return self.state in {"ok", "old"}


def state_at(updated_at: datetime, now: datetime) -> str:
    """Return whether a database of that time is "ok" or "old" now."""
    return "old" if now - updated_at > OLD else "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a scanner says of an SBOM. `not_assessed`: ecosystems or packages of which its database knows nothing."""

    scanner: str
    version: str
    database: Database
    found: Sequence[Found] = field(default=())
    not_assessed: tuple[str, ...] = ()


Log = Callable[[str], None]


class Scanner(Protocol):
    """One way to judge. Raises PortalError where it cannot: never an empty answer instead."""

    name: str

    def database(self, now: datetime) -> Database:
        """Return the state of what it judges by; looked at each time."""
        ...

    def judge(self, cyclonedx: str, packages: Sequence[Package], log: Log) -> Judgement:
        """Return what the packages of an SBOM are vulnerable to. Raises Unusable, Unavailable."""
        ...
