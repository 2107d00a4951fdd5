"""The image registry: what the tables of rights hold of it, and a project with an image in the world."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from registry.models import (
    Artifact,
    ArtifactLabel,
    Collection,
    CveException,
    Finding,
    ImmutableRule,
    Label,
    Project,
    ProjectMember,
    Repository,
    RetentionRule,
    RetentionRun,
    Robot,
    Sbom,
    Scan,
    Tag,
    TrustedKey,
    Vulnerability,
)
from tenants.models import Tenant, User

KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiR0Hkf2RoHlv/UWOwTynSUuakEyI
Z8ppcvECKO3ZMJT29lX2IZUdvp2H+Q3dTZk31FD8mHsUwZ3aILrsxIezSg==
-----END PUBLIC KEY-----
"""
REST = "/api/v1/registry"
PROJECT = f"{REST}/projects/{{image_project}}"
REPOSITORY = "{image_project}/{image_name}"
ALL = [200] * 7 + [401]
SEEN = [200] * 6 + [404, 401]
PLATFORM_SEES = [403] * 4 + [200, 200, 403, 401]
GOVERNS = [403] * 3 + [200, 200, 403, 404, 401]
ADMINS = [403] * 3 + [200, 200, 403, 404, 401]


def _made(status: int) -> list[int]:
    return [403] * 3 + [status, status, 403, 404, 401]


def _built(status: int) -> list[int]:
    return [403, status, status, status, status, 403, 404, 401]


def _run(status: int) -> list[int]:
    return [403, 403, status, status, status, 403, 404, 401]


API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", f"{REST}/projects"): (None, ALL),
    ("post", f"{REST}/projects"): ({"tenant": "{tenant}", "name": "fresh"}, [403] * 3 + [201, 201, 403, 400, 401]),
    ("get", PROJECT): (None, SEEN),
    ("patch", PROJECT): ({"public": False, "grace_hours": 2}, GOVERNS),
    ("delete", PROJECT): (None, _made(409)),  # it has a repository
    ("get", f"{PROJECT}/members"): (None, SEEN),
    ("post", f"{PROJECT}/members"): ({"user": "{newcomer}", "role": "developer"}, _made(201)),
    ("delete", f"{PROJECT}/members/{{image_member}}"): (None, _made(204)),
    ("get", f"{PROJECT}/robots"): (None, ADMINS),
    ("post", f"{PROJECT}/robots"): ({"name": "ci", "rights": ["pull"]}, _made(201)),
    ("get", f"{PROJECT}/robots/{{robot}}"): (None, ADMINS),
    ("patch", f"{PROJECT}/robots/{{robot}}"): ({"disabled": True}, ADMINS),
    ("delete", f"{PROJECT}/robots/{{robot}}"): (None, _made(204)),
    ("post", f"{PROJECT}/robots/{{robot}}/rotate"): ({}, ADMINS),
    ("get", f"{REST}/repositories"): (None, ALL),
    ("get", f"{REST}/repositories/{{image_repository}}"): (None, SEEN),
    ("patch", f"{REST}/repositories/{{image_repository}}"): ({"about": "# It"}, _built(200)),
    ("delete", f"{REST}/repositories/{{image_repository}}"): (None, _run(204)),
    ("get", f"{REST}/repositories/{{image_repository}}/comparison?before=1.0&after=1.0"): (None, SEEN),
    ("get", f"{REST}/artifacts"): (None, ALL),
    ("get", f"{REST}/artifacts/{{image}}"): (None, SEEN),
    ("delete", f"{REST}/artifacts/{{image}}"): (None, _run(204)),
    ("post", f"{REST}/artifacts/{{image}}/tags"): ({"name": "stable"}, _built(201)),
    ("delete", f"{REST}/artifacts/{{image}}/tags/1.0"): (None, _run(204)),
    ("get", f"{PROJECT}/trusted-keys"): (None, SEEN),
    ("post", f"{PROJECT}/trusted-keys"): ({"name": "release", "public_key": KEY}, _made(201)),
    ("delete", f"{PROJECT}/trusted-keys/{{image_key}}"): (None, _made(204)),
    ("get", f"{PROJECT}/exceptions"): (None, SEEN),
    ("post", f"{PROJECT}/exceptions"): ({"vulnerability": "CVE-2024-1", "reason": "because"}, _built(201)),
    ("post", f"{PROJECT}/exceptions/{{exception}}/approve"): ({}, ADMINS),
    ("post", f"{PROJECT}/exceptions/{{exception}}/reject"): ({}, ADMINS),
    ("post", f"{PROJECT}/exceptions/{{exception}}/withdraw"): (None, ADMINS),
    ("get", f"{REST}/artifacts/{{image}}/findings"): (None, SEEN),
    ("get", f"{REST}/artifacts/{{image}}/report"): (None, SEEN),
    ("get", f"{REST}/artifacts/{{image}}/scans"): (None, SEEN),
    ("post", f"{REST}/artifacts/{{image}}/scans"): (None, _built(202)),
    ("get", f"{REST}/artifacts/{{image}}/sbom"): (None, SEEN),
    ("get", f"{REST}/vulnerabilities"): (None, ALL),
    ("get", f"{REST}/vulnerabilities/summary"): (None, ALL),
    ("get", f"{REST}/scanners"): (None, ALL),
    ("post", f"{REST}/scanners"): (None, [403] * 4 + [202, 403, 403, 401]),
    ("put", f"{REST}/scanners/databases/trivy-db"): (None, [403] * 4 + [400, 403, 403, 401]),  # nothing is sent
    ("get", f"{PROJECT}/immutable-rules"): (None, SEEN),
    ("post", f"{PROJECT}/immutable-rules"): ({"tags": "release-*"}, _made(201)),
    ("patch", f"{PROJECT}/immutable-rules/{{immutable_rule}}"): ({"disabled": True}, GOVERNS),
    ("delete", f"{PROJECT}/immutable-rules/{{immutable_rule}}"): (None, _made(204)),
    ("get", f"{PROJECT}/retention-rules"): (None, SEEN),
    ("post", f"{PROJECT}/retention-rules"): ({"keep": "days_since_push", "number": 9}, _made(201)),
    ("patch", f"{PROJECT}/retention-rules/{{retention_rule}}"): ({"number": 8}, GOVERNS),
    ("delete", f"{PROJECT}/retention-rules/{{retention_rule}}"): (None, _made(204)),
    ("get", f"{PROJECT}/retention-runs"): (None, SEEN),
    ("post", f"{PROJECT}/retention-runs"): ({"dry_run": True}, _made(202)),
    ("get", f"{PROJECT}/retention-runs/{{retention_run}}"): (None, SEEN),
    ("post", f"{REST}/artifacts/{{image}}/copies"): ({"repository": REPOSITORY, "tag": "copied"}, _built(201)),
    ("get", f"{REST}/labels"): (None, ALL),
    ("post", f"{REST}/labels"): ({"name": "lts"}, [403] * 4 + [201, 403, 403, 401]),
    ("patch", f"{REST}/labels/{{platform_label}}"): ({"colour": "red"}, [403] * 4 + [200, 403, 403, 401]),
    ("delete", f"{REST}/labels/{{platform_label}}"): (None, [403] * 4 + [204, 403, 403, 401]),
    ("get", f"{PROJECT}/labels"): (None, SEEN),
    ("post", f"{PROJECT}/labels"): ({"name": "approved"}, _made(201)),
    ("patch", f"{PROJECT}/labels/{{label}}"): ({"colour": "red"}, GOVERNS),
    ("delete", f"{PROJECT}/labels/{{label}}"): (None, _made(204)),
    ("post", f"{REST}/artifacts/{{image}}/labels"): ({"label": "{platform_label}"}, _built(201)),
    ("delete", f"{REST}/artifacts/{{image}}/labels/{{label}}"): (None, _built(204)),
    ("get", f"{REST}/garbage-collections"): (None, PLATFORM_SEES),
    ("post", f"{REST}/garbage-collections"): ({"dry_run": True}, [403] * 4 + [202, 403, 403, 401]),
    ("get", f"{REST}/garbage-collections/{{collection}}"): (None, PLATFORM_SEES),
    ("post", f"{REST}/reconciliations"): ({}, [403] * 4 + [202, 403, 403, 401]),
}

IMAGE_TABS = ("vulnerabilities", "packages", "overview", "layers", "history", "tags", "about")
ONE = "/images/{image_project}"
FORM = "/registry/projects/{image_project}"
DIGEST = f"{REPOSITORY}@sha256:{'1' * 64}"
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/images"): ({}, ALL),
    ("get", "/approvals/exceptions"): ({}, ALL),
    ("get", ONE): ({}, SEEN),
    **{
        ("get", f"{ONE}?tab={tab}"): ({}, SEEN)
        for tab in ("members", "robots", "policy", "rules", "labels", "exceptions", "audit")
    },
    ("get", f"/images/{REPOSITORY}"): ({}, SEEN),
    ("get", f"/images/{REPOSITORY}?tab=readme"): ({}, SEEN),
    ("get", f"/images/{REPOSITORY}?tab=compare&before=1.0&after=1.0"): ({}, SEEN),
    ("get", f"/images/{REPOSITORY}:1.0"): ({}, SEEN),
    **{("get", f"/images/{DIGEST}?tab={tab}"): ({}, SEEN) for tab in IMAGE_TABS},
    ("get", f"/registry/sbom/{DIGEST}"): ({}, SEEN),
    ("get", "/security?q=CVE"): ({}, ALL),
    ("get", "/platform/scanners"): ({}, [403] * 4 + [200, 200, 403, 401]),
    ("get", "/platform/labels"): ({}, [403] * 4 + [200, 200, 403, 401]),
    ("get", "/platform/image-storage"): ({}, [403] * 4 + [200, 200, 403, 401]),
    ("post", "/registry/collections"): ({"do": "dry"}, [403] * 4 + [302, 403, 403, 401]),
    ("post", "/registry/reconciliations"): ({}, [403] * 4 + [302, 403, 403, 401]),
    ("post", "/registry/labels"): ({"name": "lts"}, [403] * 4 + [302, 403, 403, 401]),
    ("post", "/registry/labels/{platform_label}"): ({"do": "delete"}, [403] * 4 + [302, 403, 403, 401]),
    ("post", f"{FORM}/labels"): ({"name": "approved"}, _made(302)),
    ("post", f"{FORM}/labels/{{label}}"): ({"do": "delete"}, _made(302)),
    ("post", f"/registry/mark/{DIGEST}"): ({"label": "{platform_label}"}, _built(302)),
    ("post", "/registry/databases"): ({"kind": "trivy-db"}, [403] * 4 + [422, 403, 403, 401]),
    ("post", "/registry/scan-all"): ({}, [403] * 4 + [302, 403, 403, 401]),
    ("post", f"/registry/scan/{DIGEST}"): ({}, _built(302)),
    ("post", f"{FORM}/keys"): ({"name": "release", "public_key": KEY}, _made(302)),
    ("post", f"{FORM}/keys/{{image_key}}/remove"): ({}, _made(302)),
    ("post", f"{FORM}/exceptions"): ({"vulnerability": "CVE-2024-1", "reason": "because", "days": "9"}, _built(302)),
    ("post", f"{FORM}/exceptions/{{exception}}"): ({"do": "approve"}, _made(302)),
    ("post", "/registry/projects"): ({"tenant": "{tenant}", "name": "fresh"}, [403] * 3 + [302, 302, 403, 422, 401]),
    ("post", f"{FORM}/policy"): ({"about": "x", "signed_only": "1"}, _made(302)),
    ("post", f"{FORM}/delete"): ({}, _made(409)),
    ("post", f"{FORM}/members"): ({"user": "{newcomer}", "role": "developer"}, _made(302)),
    ("post", f"{FORM}/members/{{image_role}}/remove"): ({}, _made(302)),
    ("post", f"{FORM}/robots"): ({"name": "ci", "rights": "pull", "days": "30"}, _made(200)),
    ("post", f"{FORM}/robots/{{robot}}"): ({"do": "stop"}, _made(302)),
    ("post", f"{FORM}/robots/{{robot}}/rotate"): ({"days": "30", "stamp": ""}, _made(200)),
    ("post", f"{FORM}/rules/immutable"): ({"repositories": "**", "tags": "v*"}, _made(302)),
    ("post", f"{FORM}/rules/retention"): (
        {"repositories": "**", "tags": "**", "keep": "days_since_push", "number": "9"},
        _made(302),
    ),
    ("post", f"{FORM}/rules/immutable/{{immutable_rule}}/remove"): ({}, _made(302)),
    ("post", f"{FORM}/rules/retention/{{retention_rule}}/remove"): ({}, _made(302)),
    ("post", f"{FORM}/retention"): ({"do": "dry"}, _made(302)),
    ("post", f"/registry/readme/{REPOSITORY}"): ({"about": "# It"}, _built(302)),
    ("post", f"/registry/delete-repository/{REPOSITORY}"): ({"name": REPOSITORY}, _run(302)),
    ("post", f"/registry/tag/{DIGEST}"): ({"name": "stable"}, _built(302)),
    ("post", f"/registry/copy/{DIGEST}"): ({"repository": REPOSITORY, "tag": "copied"}, _built(302)),
    ("post", f"/registry/untag/{DIGEST}"): ({"name": "1.0"}, _run(302)),
    ("post", f"/registry/delete-artifact/{DIGEST}"): ({}, _run(302)),
}
# of an administrator's forms: the answer at first, and what is answered instead when it is sent again
TWICE: dict[str, tuple[int, str]] = {
    path: (expected[3], "") for (method, path), (_fields, expected) in PAGES.items() if method == "post"
} | {f"/registry/scan/{DIGEST}": (302, "new"), f"{FORM}/retention": (302, "new")}
SAID_INSTEAD: dict[str, set[int]] = {
    f"/registry/scan/{DIGEST}": {409},
    f"{FORM}/labels": {409},
    f"{FORM}/labels/{{label}}": {404},
    f"{FORM}/keys": {409},
    f"{FORM}/rules/immutable": {409},
    f"{FORM}/rules/retention": {409},
    f"{FORM}/rules/immutable/{{immutable_rule}}/remove": {404},
    f"{FORM}/rules/retention/{{retention_rule}}/remove": {404},
    f"{FORM}/retention": {409},
    f"{FORM}/keys/{{image_key}}/remove": {404},
    f"{FORM}/exceptions": {409},
    f"{FORM}/exceptions/{{exception}}": {409},
    "/registry/projects": {409},
    f"{FORM}/members/{{image_role}}/remove": {404},
    f"{FORM}/robots": {409},
    f"{FORM}/robots/{{robot}}/rotate": {409},
    f"/registry/delete-repository/{REPOSITORY}": {404},
    f"/registry/untag/{DIGEST}": {404},
    f"/registry/delete-artifact/{DIGEST}": {404},
}
UUID = "00000000-0000-4000-8000-000000000000"
PARTS = {
    "label": "1",
    "platform_label": "1",
    "immutable_rule": "1",
    "retention_rule": "1",
    "retention_run": UUID,
    "collection": UUID,
    "image_key": UUID,
    "exception": UUID,
    "image_project": "p",
    "image_name": "n",
    "image_role": "1",
    "image_member": "m",
    "robot": "r",
    "image_repository": UUID,
    "image": UUID,
}


def world(tenant: Tenant, canary: str) -> dict[str, Any]:
    """Return a private project of the tenant with a member, a robot and a tagged image."""
    project = Project.objects.create(tenant=tenant, name=f"{canary}-images", about=canary)
    member = User.objects.create(username=f"{canary}-member")
    role = ProjectMember.objects.create(project=project, user=member, role="viewer")
    robot = Robot.objects.create(
        project=project, name=f"{canary}-robot", rights=["pull"], expires_at=timezone.now() + timedelta(days=9)
    )
    repository = Repository.objects.create(project=project, name=f"{canary}-web", about=canary)
    image = Artifact.objects.create(
        repository=repository, digest=f"sha256:{'1' * 64}", kind="image", media_type="m", manifest_size=1, size=1,
        author=canary,
    )  # fmt: skip
    Tag.objects.create(repository=repository, name="1.0", artifact=image, pushed_by=canary)
    Sbom.objects.create(artifact=image, scanner="trivy", cyclonedx="{}", packages=[])
    scan = Scan.objects.create(artifact=image, scanner="trivy", state="success", current=True)
    cve = Vulnerability.objects.create(id=f"CVE-{canary}", title=canary)
    Finding.objects.create(scan=scan, vulnerability=cve, package=f"{canary}-package", version="1", severity=5)
    key = TrustedKey.objects.create(project=project, name=f"{canary}-key", pem="", fingerprint="f" * 64)
    exception = CveException.objects.create(
        project=project, vulnerability="CVE-2023-1", reason=canary, asked_by=member,
        expires_at=timezone.now() + timedelta(days=9),
    )  # fmt: skip
    return _kept_in_order(project, canary) | {
        "image_key": key.pk, "exception": exception.pk, "image_role": role.pk, "image_name": repository.name,
        "image_project": project.name, "image_member": member.username, "robot": robot.name,
        "image_repository": repository.pk, "image": image.pk,
    }  # fmt: skip


def _kept_in_order(project: Project, canary: str) -> dict[str, Any]:
    """Return a project's rules with a run of them, and a collection of the platform."""
    run = RetentionRun.objects.create(
        project=project, dry_run=True, report=[retained(canary)], kept=1, ended_at=timezone.now()
    )
    label = Label.objects.create(project=project, name=f"{canary}-label")
    ArtifactLabel.objects.create(artifact=Artifact.objects.get(repository__project=project), label=label)
    return {
        "label": label.pk,
        "platform_label": Label.objects.get_or_create(project=None, name="of all")[0].pk,
        "immutable_rule": ImmutableRule.objects.create(project=project, tags=f"{canary}*").pk,
        "retention_rule": RetentionRule.objects.create(project=project, keep="always", tags=f"{canary}*").pk,
        "retention_run": run.pk,
        "collection": Collection.objects.create(dry_run=True).pk,
    }


def retained(canary: str) -> dict[str, Any]:
    """Return a row of a run's report."""
    why = {"key": "retention.no_rule_for_tag", "args": {"tag": canary}}
    return {
        "repository": canary, "digest": f"sha256:{'1' * 64}", "id": UUID, "kind": "image", "tags": [canary], "size": 1,
        "pushed_at": "2026-01-01T00:00:00+00:00", "pulled_at": None, "goes": False, "why": [why],
    }  # fmt: skip


def snapshot() -> list[Any]:
    """Return what a request could have changed of them."""
    return [
        list(Project.objects.order_by("name").values_list("name", "public", "grace_hours", "about")),
        list(ProjectMember.objects.order_by("pk").values_list("user", "role")),
        list(Robot.objects.order_by("pk").values_list("pk", "disabled", "secret_hash", "rights")),
        list(Repository.objects.order_by("pk").values_list("pk", "about")),
        list(Tag.objects.order_by("pk").values_list("name", "artifact")),
        list(Label.objects.order_by("pk").values_list("pk", "colour")),
        list(ArtifactLabel.objects.order_by("pk").values_list("artifact", "label")),
        list(Artifact.objects.order_by("pk").values_list("pk", "scan_state")),
        list(ImmutableRule.objects.order_by("pk").values_list("pk", "disabled")),
        list(RetentionRule.objects.order_by("pk").values_list("pk", "number")),
        list(RetentionRun.objects.order_by("pk").values_list("pk", "task")),
        list(Collection.objects.order_by("pk").values_list("pk", "task")),
        list(TrustedKey.objects.order_by("pk").values_list("pk")),
        list(CveException.objects.order_by("pk").values_list("pk", "status")),
    ]
