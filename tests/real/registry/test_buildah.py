"""buildah (and so podman, whose code for images it is) builds, pushes and pulls: one platform, and many in a list."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.registry.test_clients import REST, artifacts
from tests.real.running import PASSWORD, Portal

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Buildah:
    """buildah with a home, and so images and a sign-in, of its own."""

    home: Path
    host: str

    def run(self, *arguments: str) -> str:
        """Run it and return what it writes; fail when it does."""
        done = self._run(arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def refused(self, *arguments: str) -> str:
        """Run it and return its complaint; empty when there was none."""
        done = self._run(arguments)
        return done.stderr if done.returncode else ""

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        return self.refused("login", "--tls-verify=false", "-u", name, "-p", password, self.host)

    def image(self, name: str, architecture: str) -> str:
        """Build a small image and return its name."""
        container = self.run("from", "--arch", architecture, "scratch")
        file = self.home / "hello"
        file.write_text(f"{name} {architecture}")
        self.run("copy", container, str(file), "/hello")
        self.run("config", "--label", f"for={name}", container)
        self.run("commit", "--format", "oci", "--rm", container, name)
        return name

    def _run(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        storage = ["--root", str(self.home / "root"), "--runroot", str(self.home / "run"), "--storage-driver", "vfs"]
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home), "BUILDAH_ISOLATION": "chroot",
        }  # fmt: skip
        return subprocess.run(
            ["buildah", *storage, *arguments], env=environment, capture_output=True, text=True, timeout=120,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture(scope="module")
def buildah(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Buildah]:
    """Return buildah of a person who has signed in."""

    def of(name: str, password: str = PASSWORD) -> Buildah:
        client = Buildah(tmp_path_factory.mktemp("buildah"), portal.url.removeprefix("http://"))
        assert client.sign_in(name, password) == ""
        return client

    return of


def test_what_is_built_is_pushed_and_pulled(portal: Portal, buildah: Callable[..., Buildah]) -> None:
    li_na, viewer = buildah("li.na"), buildah("wang.fang")
    target = f"{li_na.host}/payments/built:1"
    li_na.image("one", "amd64")
    li_na.run("push", "--tls-verify=false", "one", f"docker://{target}")
    li_na.run("push", "--tls-verify=false", "--format", "v2s2", "one", f"docker://{target}-docker")
    found = {tag["name"]: row for row in artifacts(portal, "payments/built") for tag in row["tags"]}
    assert found["1"]["media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert found["1-docker"]["media_type"] == "application/vnd.docker.distribution.manifest.v2+json"
    viewer.run("pull", "--tls-verify=false", target)
    assert viewer.run("inspect", "--format", '{{index .OCIv1.Config.Labels "for"}}', target) == "one"
    viewer.run("pull", "--tls-verify=false", f"{target}-docker")
    assert "You may not push" in viewer.refused("push", "--tls-verify=false", target, f"docker://{target}-again")


def test_a_list_of_platforms(portal: Portal, buildah: Callable[..., Buildah]) -> None:
    li_na = buildah("li.na")
    li_na.run("manifest", "create", "list")
    for architecture in ("amd64", "arm64"):
        li_na.run("manifest", "add", "list", li_na.image(f"for-{architecture}", architecture))
    target = f"{li_na.host}/payments/built-list:1"
    li_na.run("manifest", "push", "--all", "--tls-verify=false", "list", f"docker://{target}")
    (index,) = artifacts(portal, "payments/built-list", listed="true")
    shown = portal.ask("GET", f"{REST}/artifacts/{index['id']}")
    assert [child["platform"]["architecture"] for child in shown["children"]] == ["amd64", "arm64"]
    reader = buildah("wang.fang")
    reader.run("pull", "--tls-verify=false", "--arch", "arm64", target)
    assert reader.run("inspect", "--format", "{{.OCIv1.Architecture}}", target) == "arm64"


def test_who_may_not_is_told_so(portal: Portal, buildah: Callable[..., Buildah], tmp_path: Path) -> None:
    li_na = buildah("li.na")
    target = f"{li_na.host}/payments/built-kept:1"
    li_na.run("push", "--tls-verify=false", li_na.image("kept", "amd64"), f"docker://{target}")
    stranger = buildah("chen.jie")
    assert "There is no repository" in stranger.refused("pull", "--tls-verify=false", target)
    wrong = Buildah(tmp_path / "wrong", li_na.host)
    wrong.home.mkdir()
    assert "invalid username/password" in wrong.sign_in("li.na", "wrong")
    assert "unauthorized" in wrong.refused("pull", "--tls-verify=false", target)
    wish = {"name": "builder", "rights": ["pull", "push"], "days": 1}
    robot = portal.ask("POST", f"{REST}/projects/payments/robots", wish, user="sun.li", status=201)
    pushing = buildah(robot["login"], robot["secret"])
    pushing.run("push", "--tls-verify=false", pushing.image("robot", "amd64"), f"docker://{target}-robot")
    pushed = {tag["name"]: row["pushed_by"] for row in artifacts(portal, "payments/built-kept") for tag in row["tags"]}
    assert pushed["1-robot"] == "robot-payments.builder"
