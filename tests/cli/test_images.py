import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal

REST = "/api/v1/registry"
DIGEST = f"sha256:{'ab' * 32}"
AT = "2026-11-22T09:00:00Z"
PROJECT: dict[str, Any] = {
    "name": "payments", "tenant": "payments", "about": "", "public": False, "scan_on_push": True, "signed_only": True,
    "block_severity": "high", "grace_hours": 24, "used": 3 * 1024**2, "created_at": AT,
}  # fmt: skip
COUNTS = {"critical": 0, "high": 2, "medium": 1, "low": 4, "negligible": 0, "unknown": 0, "fixable": 1}
ARTIFACT: dict[str, Any] = {
    "id": "a1", "repository": "payments/web", "project": "payments", "tenant": "payments", "digest": DIGEST,
    "kind": "image", "media_type": "application/vnd.oci.image.manifest.v1+json", "artifact_type": "", "size": 2048,
    "os": "linux", "architecture": "arm64", "variant": "v8", "made_at": None, "subject": "", "listed": True,
    "labels": [],
    "tags": [{"name": "1.0", "pushed_at": AT, "pushed_by": "li.na", "pulled_at": None}], "pushed_at": AT,
    "pushed_by": "li.na", "pulled_at": None, "pulls": 3, "scan_state": "success", "scanned_at": AT,
    "findings": COUNTS, "not_assessed": False, "signed": "yes", "signer": "release",
}  # fmt: skip
CHILD = {"digest": DIGEST, "size": 10, "platform": {"os": "linux", "architecture": "amd64"}, "annotations": {}}
DETAIL = {
    **ARTIFACT, "author": "", "annotations": {}, "config": {}, "layers": [],
    "children": [{**CHILD, "attests": ""}, {**CHILD, "attests": DIGEST}],
    "accessories": [{"id": "s1", "digest": DIGEST, "kind": "signature", "artifact_type": "x", "size": 5,
                     "pushed_at": AT, "pushed_by": "li.na", "signer": "release",
                     "sboms": [{"form": "spdx", "packages": 7}]}],
    "pulling": {"allowed": False, "reason": "It has 2 vulnerabilities that are high or worse."},
}  # fmt: skip
REPOSITORY = {
    "id": "r1", "name": "payments/web", "project": "payments", "tenant": "payments", "about": "", "artifacts": 2,
    "pulls": 5, "created_at": AT, "changed_at": AT,
}  # fmt: skip
GONE = (204, "")


def listed(*items: Any) -> tuple[int, Any]:
    return 200, {"items": list(items), "next": None, "previous": None}


@pytest.fixture
def stocked(signed_in: FakePortal) -> FakePortal:
    """A portal that knows one image, asked for once by its name."""
    signed_in.once("GET", f"{REST}/artifacts", listed(ARTIFACT))
    return signed_in


def test_projects_with_their_policy(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/projects", listed(PROJECT))
    ran = pks("image-projects", "--private")
    assert ran.out.splitlines()[1].split() == ["payments", "payments", "yes", "high", "3.0", "MiB"]
    assert signed_in.requests("GET", f"{REST}/projects")[0].query["public"] == "false"
    signed_in.once("POST", f"{REST}/projects", (201, PROJECT))
    ran = pks("create-image-project", "payments", "--signed-only", "--block-severity", "high", "--grace-hours", "24")
    assert "Blocked from:         high" in ran.out
    assert signed_in.requests("POST", f"{REST}/projects")[0].body == {
        "tenant": "payments", "name": "payments", "signed_only": True, "block_severity": "high", "grace_hours": 24,
    }  # fmt: skip
    signed_in.once("PATCH", f"{REST}/projects/payments", (200, PROJECT))
    assert pks("update-image-project", "payments", "--private", "--block-severity", "none", "--json").json == PROJECT
    assert signed_in.requests("PATCH", f"{REST}/projects/payments")[0].body == {
        "public": False, "block_severity": None,
    }  # fmt: skip
    assert pks("update-image-project", "payments").code == 2


def test_one_project(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/projects/payments", (200, PROJECT), (200, PROJECT))
    assert "Hours of grace:       24" in pks("image-project", "payments").out
    assert pks("image-project", "payments", "--json").json == PROJECT


def test_a_project_goes_only_when_somebody_says_so(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("delete-image-project", "payments", stdin="n\n")
    assert (ran.code, signed_in.requests("DELETE", f"{REST}/projects/payments")) == (1, [])
    assert pks("delete-image-project", "payments").code == 2
    signed_in.once("DELETE", f"{REST}/projects/payments", GONE, GONE)
    assert pks("delete-image-project", "payments", stdin="y\n").out == "Image project payments is deleted.\n"
    assert pks("delete-image-project", "payments", "--non-interactive", "--json").json == {}


def test_members_of_a_project(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{REST}/projects/payments/members"
    row = {"user": "wu.hao", "role": "developer", "given_by": "sun.li", "given_at": AT}
    signed_in.once("GET", path, listed(row))
    assert pks("image-project-members", "payments").out.splitlines()[1].split()[:3] == ["wu.hao", "developer", "sun.li"]
    signed_in.once("POST", path, (201, row))
    assert pks("add-image-project-member", "payments", "wu.hao", "--role", "developer").code == 0
    assert signed_in.requests("POST", path)[0].body == {"user": "wu.hao", "role": "developer"}
    signed_in.once("DELETE", f"{path}/wu.hao", GONE)
    assert pks("remove-image-project-member", "payments", "wu.hao", stdin="y\n").code == 0


def test_no_name_leads_elsewhere(pks: Pks, signed_in: FakePortal) -> None:
    before = len(signed_in.seen)
    assert pks("robots", "..").code == 2
    assert len(signed_in.seen) == before
    assert pks("robots", "../../clusters").code == 1
    assert signed_in.seen[-1].path == f"{REST}/projects/..%2F..%2Fclusters/robots"


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("payments/web:1.0", {"repository": "payments/web", "tag": "1.0"}),
        ("payments/a/b", {"repository": "payments/a/b", "tag": "latest"}),
        (f"payments/web@{DIGEST}", {"repository": "payments/web", "digest": DIGEST}),
        (f"payments/web:1.0@{DIGEST}", {"repository": "payments/web", "digest": DIGEST}),
    ],
)
def test_an_image_is_found_as_docker_reads_its_name(
    pks: Pks, stocked: FakePortal, name: str, query: dict[str, str]
) -> None:
    stocked.once("GET", f"{REST}/artifacts/a1", (200, DETAIL))
    assert pks("image", name, "--json").json == DETAIL
    asked = stocked.requests("GET", f"{REST}/artifacts")[0].query
    assert {key: value for key, value in asked.items() if key != "limit"} == query


@pytest.mark.parametrize("name", ["web", "payments/web@1.0", "payments/web:", f"localhost:8000/{'x/y'}:1 2"])
def test_what_names_no_image(pks: Pks, signed_in: FakePortal, name: str) -> None:
    ran = pks("image", name)
    assert (ran.code, "does not name an image" in ran.err) == (2, True)


def test_an_image_that_is_not_there(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/artifacts", listed(), listed())
    assert pks("image", "payments/web:2").err == "Error: Image payments/web:2 not found\n"
    assert json.loads(pks("image", "payments/web:2", "--json").err)["status"] == 404


def test_an_image_says_why_it_may_not_be_pulled(pks: Pks, stocked: FakePortal) -> None:
    stocked.once("GET", f"{REST}/artifacts/a1", (200, DETAIL))
    out = pks("image", "payments/web:1.0").out
    facts = {line.partition(":")[0]: line.partition(":")[2].strip() for line in out.splitlines()}
    assert facts["May be pulled"] == "no: It has 2 vulnerabilities that are high or worse."
    assert facts["Findings"] == "high 2, medium 1, low 4"
    assert (facts["Platform"], facts["Signed"]) == ("linux/arm64/v8", "release")
    assert f"linux/amd64  10 B  {DIGEST}" in out
    assert f"attestation  10 B  {DIGEST}" in out
    assert f"signature  release  x     spdx (7)  5 B   {DIGEST}" in out


@pytest.mark.parametrize(
    ("signed", "shown"), [("no", "no"), ("inherited", "by its index"), ("untrusted", "by an unknown key")]
)
def test_an_image_says_by_whom_it_is_signed(pks: Pks, stocked: FakePortal, signed: str, shown: str) -> None:
    stocked.once("GET", f"{REST}/artifacts/a1", (200, {**DETAIL, "signed": signed, "signer": "", "not_assessed": True}))
    out = pks("image", "payments/web:1.0").out
    facts = {line.partition(":")[0]: line.partition(":")[2].strip() for line in out.splitlines()}
    assert (facts["Signed"], facts["Not assessed"]) == (shown, "a part of it")


def test_images_narrowed_by_severity(pks: Pks, signed_in: FakePortal) -> None:
    new = {**ARTIFACT, "id": "a2", "findings": None, "scan_state": "none", "signed": "no"}
    signed_in.once("GET", f"{REST}/artifacts", *[listed(ARTIFACT, new)] * 3)
    rows = pks("images", "payments/web", "--kind", "image").out.splitlines()[1:]
    assert ["high 2, medium 1" in rows[0], "not scanned" in rows[1]] == [True, True]
    asked = signed_in.requests("GET", f"{REST}/artifacts")[0].query
    assert (asked["listed"], asked["kind"], asked["repository"]) == ("true", "image", "payments/web")
    assert [item["id"] for item in pks("images", "--severity", "high", "--json").json] == ["a1"]
    assert pks("images", "--severity", "critical", "--all", "--json").json == []
    assert "listed" not in signed_in.requests("GET", f"{REST}/artifacts")[2].query
    assert pks("images", "--severity", "bad").code == 2


def test_a_tag_is_given_and_taken(pks: Pks, stocked: FakePortal) -> None:
    path = f"{REST}/artifacts/a1/tags"
    stocked.once("GET", f"{REST}/artifacts", listed(ARTIFACT))
    stocked.once("POST", path, (201, {"name": "2.0", "pushed_at": AT, "pushed_by": "li.na", "pulled_at": None}))
    assert pks("tag-image", "payments/web:1.0", "2.0").out == f"payments/web:2.0 is {DIGEST[:19]} now.\n"
    assert stocked.requests("POST", path)[0].body == {"name": "2.0"}
    stocked.once("DELETE", f"{path}/1.0", GONE)
    assert pks("untag-image", "payments/web:1.0", stdin="y\n").code == 0
    assert pks("untag-image", "payments/web").code == 2
    assert pks("untag-image", f"payments/web@{DIGEST}").code == 2


def test_an_image_is_deleted_by_name_only_and_asked_for(pks: Pks, stocked: FakePortal) -> None:
    assert pks("delete-image", "payments/web").code == 2
    stocked.once("DELETE", f"{REST}/artifacts/a1", GONE)
    ran = pks("delete-image", "payments/web:1.0", stdin="y\n")
    assert ran.out == "Image payments/web:1.0 is deleted.\n"
    assert "all its tags (1.0)" in ran.err


def test_repositories(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    signed_in.once("GET", f"{REST}/repositories", *[listed(REPOSITORY)] * 4)
    assert pks("repositories", "--project", "payments").out.splitlines()[1].split()[:4] == [
        "payments/web", "payments", "2", "5",
    ]  # fmt: skip
    assert signed_in.requests("GET", f"{REST}/repositories")[0].query["project"] == "payments"
    signed_in.once("GET", f"{REST}/repositories/r1", (200, {**REPOSITORY, "about": "# It"}))
    assert pks("repository", "payments/web").out.endswith("\n\n# It\n")
    readme = tmp_path / "README.md"
    readme.write_text("# 支付")
    signed_in.once("PATCH", f"{REST}/repositories/r1", (200, {**REPOSITORY, "about": "# 支付"}))
    assert pks("describe-repository", "payments/web", "--file", str(readme)).code == 0
    assert signed_in.requests("PATCH", f"{REST}/repositories/r1")[0].body == {"about": "# 支付"}
    assert pks("describe-repository", "payments/web", "--file", str(tmp_path / "none")).code == 2
    signed_in.once("DELETE", f"{REST}/repositories/r1", GONE)
    ran = pks("delete-repository", "payments/web", stdin="y\n")
    assert (ran.out, "its 2 images" in ran.err) == ("Repository payments/web is deleted.\n", True)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "docker login -u li.na {host}"),
        (["--client", "podman"], "podman login --tls-verify=false -u li.na {host}"),
        (["--client", "skopeo", "--robot", "robot-pay.ci"], "skopeo login --tls-verify=false -u robot-pay.ci {host}"),
    ],
)
def test_the_login_command_holds_no_secret(pks: Pks, signed_in: FakePortal, arguments: list[str], command: str) -> None:
    wanted = command.format(host=signed_in.url.removeprefix("http://"))
    ran = pks("docker-login", *arguments)
    assert (ran.code, ran.out) == (0, f"{wanted}\n")
    assert "It asks for" in ran.err
    assert pks("docker-login", *arguments, "--print").err == ""
    assert pks("docker-login", *arguments, "--json").json["command"] == wanted
    assert "access-1" not in ran.out + ran.err


def test_the_login_of_a_token_in_the_environment(
    pks: Pks, signed_in: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKS_TOKEN", "access-1")
    assert " -u li.na " in pks("docker-login", "--print").out
