"""Whether an artifact may be pulled, and if not, why: the same answer for the gateway, pages and programs.

Signatures, attestations and SBOMs always may: they are what one judges an image by. What only says that it is one
(by its subject, or by what an index says of it) is none: disguises.py.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from pks_portal import messages
from registry import patterns
from registry.models import Artifact, CveException, Finding, Project
from registry.severity import Severity
from registry.trust.kinds import ACCESSORIES

Kind = Artifact.Kind
Signed = Artifact.Signed
ScanState = Artifact.ScanState
JUDGED = {Kind.IMAGE}
"""Kinds that a scanner can look into; of others a policy on vulnerabilities asks nothing."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be pulled: a text by its key, with its arguments."""

    key: str
    args: dict[str, Any]

    def __str__(self) -> str:
        return messages.render(self.key, self.args)


def refusal(artifact: Artifact, project: Project, *, signs: bool = False) -> Refusal | None:
    """Return why the project's policy forbids to pull an artifact; None where it may be pulled.

    `signs`: by who may sign, and so must be able to fetch what is not signed yet.
    """
    if artifact.kind in ACCESSORIES:
        return None
    if project.signed_only and not signs and artifact.signed not in {Signed.YES, Signed.INHERITED}:
        return _unsigned(artifact)
    if project.block_severity is not None and artifact.kind in JUDGED:
        return _vulnerable(artifact, project)
    return None


def _unsigned(artifact: Artifact) -> Refusal:
    key = "refusal.untrusted" if artifact.signed == Signed.UNTRUSTED else "refusal.unsigned"
    return Refusal(key, {"digest": artifact.short})


def _vulnerable(artifact: Artifact, project: Project) -> Refusal | None:
    level = Severity(project.block_severity or Severity.CRITICAL)
    named = {"severity": messages.say(f"severity.{level.word}").stored()}
    if artifact.scan_state != ScanState.SUCCESS and artifact.scanned_at is None:
        return Refusal(f"refusal.scan_{_unscanned(artifact)}", named)
    scan = artifact.scans.filter(current=True).order_by("-ended_at").first()
    if scan is None:
        return Refusal("refusal.scan_none", named)
    facts = {
        **named, "database": scan.database, "sources": ", ".join(scan.database_sources),
        "records": scan.database_records, "date": f"{scan.database_updated_at:%F}" if scan.database_updated_at else "?",
    }  # fmt: skip
    if artifact.not_assessed:
        what = {one for row in artifact.scans.filter(current=True) for one in row.not_assessed}
        return Refusal("refusal.not_assessed", {**facts, "what": ", ".join(sorted(what)[:5])})
    found = counted(artifact, project, level)
    if not (count := found.values("vulnerability", "package", "version").distinct().count()):
        return None
    return Refusal("refusal.vulnerable", {**facts, "count": count})


def _unscanned(artifact: Artifact) -> str:
    return {
        ScanState.QUEUED: "running", ScanState.RUNNING: "running", ScanState.ERROR: "error",
        ScanState.UNSUPPORTED: "unsupported",
    }.get(ScanState(artifact.scan_state), "none")  # fmt: skip


def counted(artifact: Artifact, project: Project, level: Severity) -> QuerySet[Finding]:
    """Return the findings that keep an image from being pulled.

    That are those of the level or worse, and those whose severity nobody knows, without what is excepted and what
    nobody has known for longer than the grace period.
    """
    rows = Finding.objects.filter(scan__artifact=artifact, scan__current=True)
    rows = rows.filter(Q(severity__gte=level) | Q(severity=Severity.UNKNOWN))
    if project.grace_hours:
        rows = rows.filter(vulnerability__seen_at__lte=timezone.now() - timedelta(hours=project.grace_hours))
    return rows.exclude(_excepted(artifact, project)) if (_has_exceptions(project)) else rows


def _has_exceptions(project: Project) -> bool:
    return live_exceptions(project).exists()


def live_exceptions(project: Project) -> QuerySet[CveException]:
    """Return what has been allowed and is not over."""
    return CveException.objects.filter(
        project=project, status=CveException.Status.APPROVED, expires_at__gt=timezone.now()
    )


def _excepted(artifact: Artifact, project: Project) -> Q:
    """Return the condition of findings that an exception covers."""
    fitting = [
        row.pk for row in live_exceptions(project) if patterns.matches(row.repositories, artifact.repository.name)
    ]
    allowed = CveException.objects.filter(pk__in=fitting, vulnerability=OuterRef("vulnerability"))
    return Q(Exists(allowed.filter(Q(package="") | Q(package=OuterRef("package")))))
