"""OSV records made for tests: their ids begin with TEST-, and they tell of no real vulnerability."""

from typing import Any

from registry.scanning import coverage, osv
from registry.scanning.matcher import Records, judged
from registry.scanning.port import Found, Package


def events(*said: str) -> list[dict[str, str]]:
    """Return the events of a range: "introduced 0", "fixed 1.2"."""
    return [dict([one.split(" ", 1)]) for one in said]


def affected(
    *said: str, package: str = "thing", ecosystem: str = "PyPI", versions: list[str] | None = None,
    kind: str = "ECOSYSTEM",
) -> dict[str, Any]:  # fmt: skip
    """Return what a record says of a package: a range of these events, where any are given, and listed versions."""
    ranges = [{"type": kind, "events": events(*said)}] if said else []
    return {"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges, "versions": versions or []}


def record(name: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a record about these packages."""
    made = {"id": name, "modified": "2026-01-01T00:00:00Z", "affected": list(parts), **more}
    assert osv.well_formed(made)
    return made


def found(package: Package, *records: dict[str, Any]) -> tuple[dict[str, Found], set[str]]:
    """Return what the matcher finds in a package by these records, by id, and what it could not tell."""
    held: Records = {
        (package.ecosystem, osv.normal(package.ecosystem, name)): [
            one for one in records if any(osv.affected(one, package.ecosystem, name))
        ]
        for name, _version in coverage.names(package)
    }
    said, unread = judged([package], held)
    by_id = {one.id: one for one in said}
    assert len(by_id) == len(said)
    return by_id, unread


def package(version: str, name: str = "thing", ecosystem: str = "PyPI", **more: Any) -> Package:
    """Return a package."""
    return Package(name=name, version=version, ecosystem=ecosystem, **more)
