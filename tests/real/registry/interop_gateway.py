"""cosign and crane through the portal: signed in as people, over the gateway, under a project's policy.

Built first (see clients.py), so it is not for every run: `make interop` names this file, nothing else collects it.
"""

import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.registry.clients import Clients, built
from tests.real.registry.test_clients import REST, artifacts
from tests.real.running import PASSWORD, Portal
from tests.registry.images import Layout

pytestmark = pytest.mark.real
OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes")
KEY_PASSWORD = "of a key that lives for one test"


@dataclass(frozen=True)
class Person:
    """crane and cosign of one person, with a home of their own."""

    home: Path
    host: str
    clients: Clients

    def crane(self, *words: str) -> str:
        done = self._run(self.clients.crane, words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def refused(self, *words: str) -> str:
        """Return what crane complains about; empty when it does not."""
        done = self._run(self.clients.crane, words)
        return done.stderr if done.returncode else ""

    def cosign(self, *words: str) -> str:
        done = self._run(self.clients.cosign, words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def image(self, name: str, content: str) -> str:
        """Push an image of one file and return its digest."""
        file, layer = self.home / "hello", self.home / "layer.tar"
        file.write_text(content)
        with tarfile.open(layer, "w") as archive:
            archive.add(file, "hello")
        named = f"{self.host}/{name}"
        return self.crane("append", "--insecure", "--new_layer", str(layer), "--new_tag", named).rpartition("@")[2]

    def _run(self, program: Path, words: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        quiet = {"PATH": os.environ["PATH"], "HOME": str(self.home), "COSIGN_PASSWORD": KEY_PASSWORD}
        return subprocess.run(
            [program, *words], env=quiet, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip


def person(portal: Portal, home: Path, name: str) -> Person:
    """Return the clients of a person who has signed in with crane; cosign reads the same file."""
    home.mkdir()
    found = Person(home, portal.url.removeprefix("http://"), built())
    if name:
        found.crane("auth", "login", "--insecure", "-u", name, "-p", PASSWORD, found.host)
    return found


def test_crane_pushes_lists_copies_and_pulls(portal: Portal, tmp_path: Path) -> None:
    li_na = person(portal, tmp_path / "li.na", "li.na")
    digest = li_na.image("payments/crane:1", "one")
    assert li_na.crane("ls", "--insecure", f"{li_na.host}/payments/crane") == "1"
    assert li_na.crane("digest", "--insecure", f"{li_na.host}/payments/crane:1") == digest
    assert "payments/crane" in li_na.crane("catalog", "--insecure", li_na.host).splitlines()
    li_na.crane("copy", "--insecure", f"{li_na.host}/payments/crane:1", f"{li_na.host}/payments/crane-copy:1")
    assert artifacts(portal, "payments/crane-copy")[0]["digest"] == digest
    layout = Layout(tmp_path / "layout")
    layout.tag("many", layout.index(["amd64", "arm64"]))
    li_na.crane("push", "--insecure", "--index", str(layout.path), f"{li_na.host}/payments/crane-index:1")
    viewer = person(portal, tmp_path / "viewer", "wang.fang")
    viewer.crane("pull", "--insecure", f"{li_na.host}/payments/crane:1", str(tmp_path / "pulled.tar"))
    viewer.crane("validate", "--insecure", "--remote", f"{li_na.host}/payments/crane-index:1")
    li_na.crane("tag", "--insecure", f"{li_na.host}/payments/crane:1", "2")
    assert sorted(tag["name"] for tag in artifacts(portal, "payments/crane")[0]["tags"]) == ["1", "2"]
    assert "DENIED" in viewer.refused("tag", "--insecure", f"{li_na.host}/payments/crane:1", "3")
    nobody = person(portal, tmp_path / "nobody", "")
    assert "UNAUTHORIZED" in nobody.refused("digest", "--insecure", f"{li_na.host}/payments/crane:1")


@pytest.mark.parametrize("layout_of", ["legacy", "bundle"])
def test_what_cosign_signs_leaves_under_policy(portal: Portal, tmp_path: Path, layout_of: str) -> None:
    li_na, viewer = (person(portal, tmp_path / name, name) for name in ("li.na", "wang.fang"))
    name = f"payments/cosign-{layout_of}"
    image = f"{li_na.host}/{name}@{li_na.image(f'{name}:1', layout_of)}"
    for key in ("right", "wrong"):
        li_na.cosign("generate-key-pair", "--output-key-prefix", key)
    project = f"{REST}/projects/payments"
    trusted = {"name": f"cosign {layout_of}", "public_key": (li_na.home / "right.pub").read_text()}
    portal.ask("POST", f"{project}/trusted-keys", trusted, user="sun.li", status=201)
    portal.ask("PATCH", project, {"signed_only": True}, user="sun.li", status=200)
    into = str(tmp_path / "pulled.tar")
    try:
        assert "is not signed" in viewer.refused("pull", "--insecure", image, into)
        new = f"--new-bundle-format={json.dumps(layout_of == 'bundle')}"
        li_na.cosign("sign", new, *OFFLINE, "--key", "wrong.key", image)
        assert "by no key that its project trusts" in viewer.refused("pull", "--insecure", image, into)
        li_na.cosign("sign", new, *OFFLINE, "--key", "right.key", image)
        assert viewer.refused("pull", "--insecure", image, into) == ""
        li_na.cosign("verify", new, "--insecure-ignore-tlog=true", "--allow-http-registry", "--key", "right.pub", image)
    finally:
        portal.ask("PATCH", project, {"signed_only": False}, user="sun.li", status=200)
    row = next(row for row in artifacts(portal, name) if row["kind"] == "image")
    assert (row["signed"], row["signer"]) == ("yes", f"cosign {layout_of}")
