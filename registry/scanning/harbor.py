"""Findings as Harbor's report: `application/vnd.security.vulnerability.report; version=1.1`, which its tools read."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from registry.models import Artifact, Finding, Scan
from registry.severity import Severity

MIME: Final = "application/vnd.security.vulnerability.report; version=1.1"
WORST_FIRST: Final = [level.word.capitalize() for level in sorted(Severity, reverse=True)]
VENDORS: Final = {"trivy": ("Trivy", "Aqua Security"), "osv": ("OSV matcher", "PKS Portal")}


def report(artifact: Artifact, scans: Iterable[Scan]) -> dict[str, Any]:
    """Return Harbor's report of an artifact by its MIME type; empty where no scan has succeeded.

    A vulnerability of a package is in it once, by the worst that a scanner said: whoever counts the rows counts right.
    What Harbor has no field for stands beside it: database, its state and date, and what was not assessed; with each
    vulnerability as attributes of the vendor, which scanners found it and a CVSS 4 rating.
    """
    good = [scan for scan in scans if scan.current]
    if not good:
        return {}
    rows = Finding.objects.filter(scan__in=good).select_related("vulnerability", "scan")
    each = [list(alike) for _key, alike in groupby(sorted(rows, key=_key), _key)]
    listed = [_item(sorted(alike, key=_badness, reverse=True), artifact.digest) for alike in each]
    listed.sort(key=lambda item: WORST_FIRST.index(item["severity"]))
    worst = max((row.severity for row in rows), default=None)
    newest = max(good, key=lambda scan: str(scan.ended_at))
    name, vendor = VENDORS.get(newest.scanner, (newest.scanner, ""))
    return {
        MIME: {
            "generated_at": newest.ended_at.isoformat() if newest.ended_at else None,
            "scanner": {"name": name, "vendor": vendor, "version": newest.scanner_version},
            "severity": "None" if worst is None else word(worst),
            "vulnerabilities": listed,
            "databases": [database(scan) for scan in good],
        }
    }


def database(scan: Scan) -> dict[str, Any]:
    """Return by what a scan judged."""
    return {
        "scanner": scan.scanner,
        "name": scan.database,
        "state": scan.database_state,
        "updated_at": scan.database_updated_at.isoformat() if scan.database_updated_at else None,
        "records": scan.database_records,
        "sources": scan.database_sources,
        "not_assessed": scan.not_assessed,
    }


def word(level: int) -> str:
    """Return Harbor's word for a severity."""
    return Severity(level).word.capitalize()


def _key(row: Finding) -> tuple[str, str, str]:
    return row.vulnerability_id, row.package, row.version


def _badness(row: Finding) -> tuple[int, float, bool, str]:
    return row.severity, row.score or 0.0, bool(row.fixed_in), row.scan.scanner


def _item(rows: Sequence[Finding], digest: str) -> dict[str, Any]:
    """Return what scanners say of one vulnerability of a package, the worst first."""
    row = rows[0]
    rated = {_standard(one): one for one in reversed(rows)}
    third, fourth = rated.get("V3"), rated.get("V40")
    return {
        "id": row.vulnerability_id,
        "package": row.package,
        "version": row.version,
        "fix_version": next((one.fixed_in for one in rows if one.fixed_in), ""),
        "severity": word(row.severity),
        "status": next((one.status for one in rows if one.fixed_in), row.status),
        "description": row.vulnerability.description or row.vulnerability.title,
        "links": row.vulnerability.links,
        "artifact_digests": [digest],
        "preferred_cvss": {
            "score_v3": third.score if third else None, "score_v2": None,
            "vector_v3": third.vector if third else "", "vector_v2": "",
        },
        "cwe_ids": sorted({name for one in rows for name in one.cwe_ids}),
        "vendor_attributes": {
            "scanners": sorted({one.scan.scanner for one in rows}),
            **({"CVSS": {"V40Score": fourth.score, "V40Vector": fourth.vector}} if fourth else {}),
        },
    }  # fmt: skip


def _standard(row: Finding) -> str:
    """Return by which standard a finding is rated: "V3", "V40", or none; a score without its vector is taken for V3."""
    if row.vector.startswith("CVSS:4"):
        return "V40"
    return "V3" if row.score is not None else ""
