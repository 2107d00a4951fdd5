"""Findings as Harbor's report: `application/vnd.security.vulnerability.report; version=1.1`, which its tools read."""

from collections.abc import Iterable
from typing import Any, Final

from registry.models import Artifact, Finding, Scan
from registry.severity import Severity

MIME: Final = "application/vnd.security.vulnerability.report; version=1.1"
VENDORS: Final = {"trivy": ("Trivy", "Aqua Security"), "osv": ("OSV matcher", "PKS Portal")}


def report(artifact: Artifact, scans: Iterable[Scan]) -> dict[str, Any]:
    """Return Harbor's report of an artifact by its MIME type; empty where no scan has succeeded.

    What Harbor has no field for stands beside it: database, its state and date, and what was not assessed.
    """
    good = [scan for scan in scans if scan.current]
    if not good:
        return {}
    rows = Finding.objects.filter(scan__in=good).select_related("vulnerability").order_by("-severity", "vulnerability")
    listed = [_item(row, artifact.digest) for row in rows]
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


def _item(row: Finding, digest: str) -> dict[str, Any]:
    return {
        "id": row.vulnerability_id,
        "package": row.package,
        "version": row.version,
        "fix_version": row.fixed_in,
        "severity": word(row.severity),
        "status": row.status,
        "description": row.vulnerability.description or row.vulnerability.title,
        "links": row.vulnerability.links,
        "artifact_digests": [digest],
        "preferred_cvss": {
            "score_v3": row.score, "score_v2": None, "vector_v3": row.vector, "vector_v2": "",
        },
        "cwe_ids": row.cwe_ids,
        "vendor_attributes": {},
    }  # fmt: skip
