"""Every call of the registry's REST interface has its command: a new one without fails here."""

from typing import Final

from typer.main import get_command

from pks_portal.cli.__main__ import app
from pks_portal.schema import schema

PREFIX: Final = "/api/v1/registry/"
COMMANDS: Final = {
    "artifacts": {"get": "images"},
    "artifacts/{id}": {"get": "image", "delete": "delete-image"},
    "artifacts/{id}/tags": {"post": "tag-image"},
    "artifacts/{id}/tags/{tag}": {"delete": "untag-image"},
    "artifacts/{artifact}/copies": {"post": "copy-image"},
    "artifacts/{artifact}/findings": {"get": "findings"},
    "artifacts/{artifact}/labels": {"post": "label-image"},
    "artifacts/{artifact}/labels/{id}": {"delete": "unlabel-image"},
    "artifacts/{artifact}/report": {"get": "image-report"},
    "artifacts/{artifact}/sbom": {"get": "sbom"},
    "artifacts/{artifact}/scans": {"get": "image-scans", "post": "scan-image"},
    "garbage-collections": {"get": "garbage-collections", "post": "collect-garbage"},
    "garbage-collections/{id}": {"get": "garbage-collection"},
    "labels": {"get": "image-labels", "post": "create-image-label"},
    "labels/{id}": {"patch": "update-image-label", "delete": "delete-image-label"},
    "projects": {"get": "image-projects", "post": "create-image-project"},
    "projects/{name}": {"get": "image-project", "patch": "update-image-project", "delete": "delete-image-project"},
    "projects/{project}/exceptions": {"get": "exceptions", "post": "request-exception"},
    "projects/{project}/exceptions/{id}/approve": {"post": "approve-exception"},
    "projects/{project}/exceptions/{id}/reject": {"post": "reject-exception"},
    "projects/{project}/exceptions/{id}/withdraw": {"post": "withdraw-exception"},
    "projects/{project}/immutable-rules": {"get": "immutable-rules", "post": "create-immutable-rule"},
    "projects/{project}/immutable-rules/{id}": {"patch": "update-immutable-rule", "delete": "delete-immutable-rule"},
    "projects/{project}/labels": {"get": "image-labels", "post": "create-image-label"},
    "projects/{project}/labels/{id}": {"patch": "update-image-label", "delete": "delete-image-label"},
    "projects/{project}/members": {"get": "image-project-members", "post": "add-image-project-member"},
    "projects/{project}/members/{user}": {"delete": "remove-image-project-member"},
    "projects/{project}/retention-rules": {"get": "retention-rules", "post": "create-retention-rule"},
    "projects/{project}/retention-rules/{id}": {"patch": "update-retention-rule", "delete": "delete-retention-rule"},
    "projects/{project}/retention-runs": {"get": "retention-runs", "post": "run-retention"},
    "projects/{project}/retention-runs/{id}": {"get": "retention-run"},
    "projects/{project}/robots": {"get": "robots", "post": "create-robot"},
    "projects/{project}/robots/{name}": {"get": "robot", "patch": "update-robot", "delete": "delete-robot"},
    "projects/{project}/robots/{name}/rotate": {"post": "rotate-robot"},
    "projects/{project}/trusted-keys": {"get": "trusted-keys", "post": "trust-key"},
    "projects/{project}/trusted-keys/{id}": {"delete": "distrust-key"},
    "reconciliations": {"post": "reconcile-images"},
    "repositories": {"get": "repositories"},
    "repositories/{id}": {"get": "repository", "patch": "describe-repository", "delete": "delete-repository"},
    "repositories/{id}/comparison": {"get": "compare-images"},
    "scanners": {"get": "scanners", "post": "judge-images"},
    "scanners/databases/{kind}": {"put": "upload-database"},
    "vulnerabilities": {"get": "vulnerabilities"},
    "vulnerabilities/summary": {"get": "image-security"},
}
"""Which command does what a call does."""


def test_every_call_has_its_command() -> None:
    calls = {
        path.removeprefix(PREFIX): set(item) for path, item in schema()["paths"].items() if path.startswith(PREFIX)
    }
    assert calls == {path: set(commands) for path, commands in COMMANDS.items()}


def test_every_command_is_there() -> None:
    known = set(get_command(app).commands)
    assert {name for commands in COMMANDS.values() for name in commands.values()} - known == set()
