"""Scans: asked for, carried out as tasks, written down; and what the figures of an artifact are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid, PortalError
from pks_portal.operations import live
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry import rights
from registry.models import Artifact, Finding, Sbom, Scan, Vulnerability
from registry.scanning import binary, coverage
from registry.scanning.confined import Stop, never
from registry.scanning.matcher import Matcher
from registry.scanning.port import Database, Found, Judgement, Package
from registry.scanning.port import Scanner as AnyScanner
from registry.scanning.trivy import Trivy
from registry.severity import Severity
from tenants import audit
from tenants.models import User

KIND: Final = "registry.scan"
STEPS: Final = (("sbom", 3), ("judge", 2))
State = Artifact.ScanState
WORDS: Final = ("critical", "high", "medium", "low", "negligible", "unknown")


@dataclass(frozen=True, slots=True)
class Documents:
    """What an image consists of, in both forms that people ask for."""

    cyclonedx: str
    spdx: str


def scanners(stopped: Stop = never) -> list[AnyScanner]:
    """Return every scanner, the one that reads images first."""
    return [Trivy(stopped), Matcher()]


def states() -> list[Database]:
    """Return the state of what each scanner judges by, now."""
    now = timezone.now()
    return [scanner.database(now) for scanner in scanners()]


def ask(actor: User, artifact: Artifact) -> Operation:
    """Ask for a scan of an image. Raises Forbidden, Invalid (no image), Conflict (one is under way)."""
    rights.require(actor, "registry.scan", artifact.repository.project)
    if not scannable(artifact):
        raise Invalid("error.not_scannable")
    with transaction.atomic():
        operation = begin(artifact, actor)
        audit.record(
            actor, "registry.scan", artifact.repository, tenant=artifact.repository.project.tenant,
            digest=artifact.digest, task=str(operation.pk),
        )  # fmt: skip
    return operation


def scannable(artifact: Artifact) -> bool:
    """Say whether a scanner can look into it."""
    return artifact.kind == Artifact.Kind.IMAGE


@transaction.atomic
def begin(artifact: Artifact, actor: User | None) -> Operation:
    """Start a scan as a task. Raises Conflict with a link to the one under way."""
    project = artifact.repository.project
    new = operations.NewOperation(
        kind=KIND, subject_type="artifact", subject_id=artifact.pk,
        subject_name=f"{artifact.repository}@{artifact.short}", steps=STEPS, wanted={"digest": artifact.digest},
    )  # fmt: skip
    operation = operations.start(new, tenant=project.tenant, actor=actor)
    Artifact.objects.filter(pk=artifact.pk).update(scan_state=State.QUEUED)
    told(artifact)
    submit(operation)
    return operation


def pushed(artifact: Artifact) -> None:
    """Scan what has been pushed, where its project wants that; what is being scanned already is not asked for again."""
    project = artifact.repository.project
    if not project.scan_on_push or not scannable(artifact) or artifact.scanned_at is not None:
        return
    try:
        begin(artifact, None)
    except Conflict:
        return


def told(artifact: Artifact) -> None:
    """Tell open pages that an artifact has changed."""
    live.changed_soon("artifact", artifact.pk, artifact.repository.project.tenant_id)


@transaction.atomic
def keep_sbom(artifact: Artifact, scanner: str, documents: Documents, packages: Sequence[Package]) -> Sbom:
    """Keep what an artifact consists of; it cannot change, for its digest cannot."""
    row, _made = Sbom.objects.update_or_create(
        artifact=artifact,
        defaults={
            "scanner": scanner, "scanner_version": binary.version(), "cyclonedx": documents.cyclonedx,
            "spdx": documents.spdx, "made_at": timezone.now(),
            "packages": [package.stored() for package in packages],
        },
    )  # fmt: skip
    return row


def packages_of(row: Sbom) -> list[Package]:
    """Return the packages of a kept SBOM."""
    return [Package.read(one) for one in row.packages]


def judge_all(artifact: Artifact, sbom: Sbom, task: Operation | None, log: Any, stopped: Stop = never) -> list[Scan]:
    """Have every scanner that is set up judge an SBOM, and write down what each said, or why it could not.

    Without any database nothing can be said: that is an error of each, never an empty answer. A scanner whose database
    nobody ever took in is left out as long as another one has some.
    """
    every = scanners(stopped)
    now = timezone.now()
    set_up = [one for one in every if one.database(now).state != "absent"] or every
    for absent in [one.name for one in every if one not in set_up]:
        Scan.objects.filter(artifact=artifact, scanner=absent).delete()
    return [_judge(artifact, sbom, scanner, task, log) for scanner in set_up]


def _judge(artifact: Artifact, sbom: Sbom, scanner: AnyScanner, task: Operation | None, log: Any) -> Scan:
    lines: list[str] = []

    def both(line: str) -> None:
        lines.append(line)
        log(line)

    began = timezone.now()
    packages = packages_of(sbom)
    try:
        said = scanner.judge(sbom.cyclonedx, packages, both)
    except PortalError as error:
        lines.append(error.cause)
        return _failed(artifact, scanner, task, error, "\n".join(filter(None, lines)), began)
    return _succeeded(artifact, said, task, len(packages), "\n".join(lines), began)


def _failed(
    artifact: Artifact, scanner: AnyScanner, task: Operation | None, error: PortalError, log: str, began: Any
) -> Scan:
    state = scanner.database(timezone.now())
    with transaction.atomic():
        Scan.objects.filter(artifact=artifact, scanner=scanner.name).delete()
        return Scan.objects.create(
            artifact=artifact, scanner=scanner.name, state=Scan.State.ERROR, task=task.pk if task else None,
            started_at=began, ended_at=timezone.now(), error_key=error.key, error_args=error.facts, log=log[:20000],
            **_of_database(state),
        )  # fmt: skip


def _succeeded(
    artifact: Artifact, said: Judgement, task: Operation | None, packages: int, log: str, began: Any
) -> Scan:
    with transaction.atomic():
        Scan.objects.filter(artifact=artifact, scanner=said.scanner).delete()
        scan = Scan.objects.create(
            artifact=artifact, scanner=said.scanner, scanner_version=said.version, state=Scan.State.SUCCESS,
            current=True, task=task.pk if task else None, started_at=began, ended_at=timezone.now(),
            packages=packages, not_assessed=list(said.not_assessed), log=log[:20000], **_of_database(said.database),
        )  # fmt: skip
        _write(scan, said.found)
    return scan


def _of_database(state: Database) -> dict[str, Any]:
    return {
        "database": state.name, "database_state": state.state, "database_updated_at": state.updated_at,
        "database_records": state.records, "database_sources": list(state.sources),
    }  # fmt: skip


def _write(scan: Scan, found: Iterable[Found]) -> None:
    once = {(one.id, one.package, one.version): one for one in found}
    known = {one.id: one for one in once.values()}
    Vulnerability.objects.bulk_create(
        [
            Vulnerability(id=one.id, title=one.title, description=one.description, links=list(one.links))
            for one in known.values()
        ],
        ignore_conflicts=True,
        batch_size=500,
    )
    Finding.objects.bulk_create(
        [
            Finding(
                scan=scan, vulnerability_id=one.id, package=one.package, version=one.version, fixed_in=one.fixed_in,
                severity=one.severity, score=one.score, vector=one.vector, status=one.status, source=one.source,
                ecosystem=one.ecosystem, cwe_ids=list(one.cwe_ids),
            )
            for one in once.values()
        ],
        batch_size=500,
    )  # fmt: skip


@transaction.atomic
def sum_up(artifact: Artifact) -> Artifact:
    """Write an artifact's figures out of its scans: each vulnerable package once, by the worst that anybody said."""
    scans = list(Scan.objects.filter(artifact=artifact).exclude(state__in=[Scan.State.QUEUED, Scan.State.RUNNING]))
    good = [scan for scan in scans if scan.current]
    worst: dict[tuple[str, str], int] = {}
    fixable: set[tuple[str, str]] = set()
    rows = Finding.objects.filter(scan__in=good).values_list("vulnerability", "package", "severity", "fixed_in")
    for vulnerability, package, severity, fixed in rows:
        key = (vulnerability, package)
        worst[key] = max(worst.get(key, 0), severity)
        if fixed:
            fixable.add(key)
    counts = {word: sum(1 for level in worst.values() if Severity(level).word == word) for word in WORDS}
    missing = [set(scan.not_assessed) for scan in good]
    failed = any(scan.state == Scan.State.ERROR for scan in scans)
    changes: dict[str, Any] = {
        "scan_state": State.ERROR if failed or not good else State.SUCCESS,
        **counts, "fixable": len(fixable), "worst": max(worst.values(), default=None),
        "not_assessed": bool(coverage.by_none(missing)),
        # without anything that stands, nothing is known: not even of before
        "scanned_at": max((scan.ended_at for scan in good if scan.ended_at), default=None),
    }  # fmt: skip
    Artifact.objects.filter(pk=artifact.pk).update(**changes)
    artifact.refresh_from_db()
    told(artifact)
    return artifact
