"""The real `pks` at a running portal: from a project over an image that skopeo pushed to its end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pks_portal.paths import CHECKOUT
from tests.real.registry.skopeo import Client
from tests.real.running import PASSWORD, Portal
from tests.registry.images import Layout

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Pks:
    """The command line of one person, with a home of its own."""

    home: Path

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run a command and return its output; what it complains about, where it is to fail."""
        environment = {"PATH": os.environ["PATH"], "PKS_HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "pks_portal.cli", *arguments]
        done = subprocess.run(
            command, env=environment, cwd=CHECKOUT, input=stdin, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def pks(portal: Portal, tmp_path: Path) -> Pks:
    """Return the command line of an administrator of the tenant."""
    command = Pks(tmp_path / "pks")
    command("login", "-a", portal.url, "-u", "sun.li", "-t", "payments", "--password-stdin", stdin=f"{PASSWORD}\n")
    return command


def test_a_project_from_its_making_to_its_end(
    portal: Portal, pks: Pks, client: Callable[[str], Client], layout: Layout, tmp_path: Path
) -> None:
    portal.token("wang.fang")  # who has never signed in is nobody yet
    pks("create-image-project", "shop", "--about", "What is sold")
    client("sun.li").copy(f"oci:{layout.path}:one", "//shop/web:1.0")
    client("sun.li").copy(f"oci:{layout.path}:many", "//shop/many:1", "--all")
    assert {row["name"] for row in pks.json("repositories", "--project", "shop")} == {"shop/web", "shop/many"}
    one = pks.json("image", "shop/web:1.0")
    assert pks.json("image", f"shop/web@{one['digest']}")["id"] == one["id"]
    assert "May be pulled:  yes" in pks("image", "shop/web:1.0")
    assert pks("image", "shop/many:1").count("attestation  ") == 2
    assert [row["repository"] for row in pks.json("images", "--kind", "index", "--project", "shop")] == ["shop/many"]
    assert "Image shop/web:9 not found" in pks("image", "shop/web:9", code=1)
    tagged_and_described(pks, tmp_path)
    strict(pks)
    judged(pks)
    kept(portal, pks)
    robot(pks, client("").host, client("").home.parent / "robot")
    assert "3 repositories" in pks("delete-image-project", "shop", "--non-interactive", code=1)
    pks("delete-image", "shop/web:1.0", "--non-interactive")
    assert pks.json("images", "shop/web") == []
    for name in ("shop/copy", "shop/many", "shop/web"):
        pks("delete-repository", name, "--non-interactive")
    pks("delete-image-project", "shop", "--non-interactive")
    assert "shop" not in {row["name"] for row in pks.json("image-projects")}


def tagged_and_described(pks: Pks, home: Path) -> None:
    pks("tag-image", "shop/web:1.0", "2.0")
    assert {tag["name"] for tag in pks.json("image", "shop/web:2.0")["tags"]} == {"1.0", "2.0"}
    pks("untag-image", "shop/web:2.0", "--non-interactive")
    assert "not found" in pks("image", "shop/web:2.0", code=1)
    (home / "README.md").write_text("# 商店")
    assert pks.json("describe-repository", "shop/web", "--file", str(home / "README.md"))["about"] == "# 商店"


def strict(pks: Pks) -> None:
    """Let only signed images be pulled, see why this one may not, and let them all again."""
    pks("update-image-project", "shop", "--signed-only", "--grace-hours", "0")
    assert "May be pulled:  no: " in pks("image", "shop/web:1.0")
    pks("update-image-project", "shop", "--unsigned-too")
    pks("add-image-project-member", "shop", "wang.fang", "--role", "viewer")
    assert [row["user"] for row in pks.json("image-project-members", "shop")] == ["wang.fang"]
    pks("remove-image-project-member", "shop", "wang.fang", "--non-interactive")
    assert pks.json("image-project-members", "shop") == []


def judged(pks: Pks) -> None:
    """Read what scanners say, and ask for an exception that is taken back."""
    assert pks.json("scanners")
    assert pks("findings", "shop/web:1.0").startswith("Vulnerability")
    assert pks("image-scans", "shop/web:1.0").startswith("Scanner")
    assert pks("vulnerabilities", "CVE-", "--severity", "high").startswith("Vulnerability")
    assert pks.json("trusted-keys", "shop") == []
    asked = pks.json("request-exception", "shop", "CVE-2024-1234", "--reason", "Not reached", "--days", "3")
    assert "Error:" in pks("approve-exception", "shop", asked["id"], code=1), "it takes somebody else"
    pks("withdraw-exception", "shop", asked["id"], "--non-interactive")
    assert not [row for row in pks.json("exceptions", "shop") if row["live"]]


def kept(portal: Portal, pks: Pks) -> None:
    """Copy an image, keep its tags where they are, and see what would go."""
    pks("copy-image", "shop/web:1.0", "shop/copy:1.0")
    assert pks.json("image", "shop/copy:1.0")["digest"] == pks.json("image", "shop/web:1.0")["digest"]
    rule = pks.json("create-immutable-rule", "shop", "1.*", "--repositories", "copy")["id"]
    assert "Error:" in pks("delete-image", "shop/copy:1.0", "--non-interactive", code=1)
    pks("delete-immutable-rule", "shop", str(rule), "--non-interactive")
    assert pks.json("immutable-rules", "shop") == []
    pks("create-retention-rule", "shop", "--keep", "always", "--repositories", "web")
    run = pks.json("run-retention", "shop", "--dry-run")
    portal.succeeded(run["task"])
    assert {row["goes"] for row in pks.json("retention-run", "shop", run["id"])["report"]} == {False}
    assert "always" in pks("retention-rules", "shop")


def robot(pks: Pks, host: str, home: Path) -> None:
    """Make a robot that signs in by what is printed, until it is stopped."""
    made = pks.json("create-robot", "shop", "ci", "--rights", "pull,push", "--days", "2")
    machine = Client(home, host)
    printed = pks("docker-login", "--client", "skopeo", "--robot", made["login"], "--print").split()
    done = subprocess.run(
        [*printed, "--password-stdin"], env=machine.environment, input=made["secret"], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert machine.refused("inspect", machine.named("//shop/web:1.0")) == ""
    pks("stop-robot", "shop", "ci")
    assert "stopped" in pks("robots", "shop")
    assert machine.sign_in(made["login"], made["secret"])
    pks("resume-robot", "shop", "ci")
    rotated = pks.json("rotate-robot", "shop", "ci", "--non-interactive")
    assert machine.sign_in(made["login"], rotated["secret"]) == ""
    pks("delete-robot", "shop", "ci", "--non-interactive")
    assert pks.json("robots", "shop") == []
