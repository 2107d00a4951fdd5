"""The real clients of images: skopeo and buildah, each with a home of its own."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.real.running import PASSWORD


@dataclass(frozen=True)
class Client:
    """A client that has signed in, or not, at one registry."""

    home: Path
    host: str

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        """Sign in and return what was said; empty when it worked."""
        return self.refused("login", "-u", name, "-p", password, self.host)

    def copy(self, source: str, target: str, *options: str) -> str:
        """Copy an image, from or to the registry (`docker://name`), and return what was said."""
        return self.run("copy", *options, self.named(source), self.named(target))

    def named(self, name: str) -> str:
        """Return a name in full: "//payments/web:1" is the registry's."""
        return f"docker://{self.host}/{name.removeprefix('//')}" if name.startswith("//") else name

    def run(self, *arguments: str) -> str:
        """Run skopeo and return its output; fail when it does."""
        done = self._run(arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """Run skopeo and return what it complains about; empty when it does not."""
        done = self._run(arguments)
        return done.stderr.partition(" level=")[2] if done.returncode else ""

    def _run(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        command, *rest = arguments
        insecure = {
            "login": ["--tls-verify=false"], "copy": ["--src-tls-verify=false", "--dest-tls-verify=false"],
        }.get(command, ["--tls-verify=false"])  # fmt: skip
        return subprocess.run(
            ["skopeo", command, *insecure, *rest], env=self.environment, capture_output=True, text=True,
            timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        self.home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.home),
            "REGISTRY_AUTH_FILE": str(self.home / "auth.json"),
        }  # fmt: skip
