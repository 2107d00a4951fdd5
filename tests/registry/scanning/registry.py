"""A real docker-registry on loopback that asks for the portal's tokens, and an image to push to it."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pks_portal import authority, paths
from registry.serving import Serving, on_disk
from registry.tokens import signing
from tests.registry.images import Files, Layout

DPKG = """Package: openssl
Status: install ok installed
Architecture: amd64
Version: 1.1.1k-1
Description: Secure Sockets Layer toolkit

Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.31-13
Description: GNU C Library
"""
SITE = "usr/lib/python3/dist-packages"
FILES = {
    "etc/os-release": 'ID=debian\nVERSION_ID="11"\nNAME="Debian GNU/Linux"\n',
    "etc/debian_version": "11.0\n",
    "var/lib/dpkg/status": DPKG,
    f"{SITE}/requests-2.19.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n",
    "usr/lib/node_modules/lodash/package.json": '{"name":"lodash","version":"4.17.4","license":"MIT"}',
}
SECONDS = 30


@contextmanager
def running(home: Path) -> Iterator[str]:
    """Run a registry that keeps its data in a directory and trusts the portal's authority; yields "host:port"."""
    (paths.data() / "keys").mkdir(exist_ok=True)
    authority.ensure(paths.data(), ["127.0.0.1"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = f"127.0.0.1:{port}"
    serving = Serving(
        port=port, public_url=f"http://{host}", authority=paths.data() / "issuer" / "ca.pem", secret="of-a-test" * 4,
        storage=on_disk(home / "data"),
    )  # fmt: skip
    (home / "registry.yml").write_text(serving.text())
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(home / "registry.yml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            _answering(host, process)
            yield host
        finally:
            process.terminate()
            process.wait(SECONDS)


def _answering(host: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it answers; it asks who is there."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=1)
        except urllib.error.HTTPError as refused:
            refused.close()
            return
        except OSError:
            continue
    raise AssertionError("docker-registry does not answer")


def token(repository: str, *actions: str) -> str:
    """Return a token of the portal for a repository."""
    return signing.for_portal(repository, *actions, seconds=300).removeprefix("Bearer ")


def pushed(home: Path, host: str, repository: str, files: Files) -> str:
    """Push an image of these files and return its digest."""
    layout = Layout(home / "layout")
    digest = layout.tag("one", layout.image(files))
    subprocess.run(
        ["skopeo", "copy", "--dest-tls-verify=false", f"--dest-registry-token={token(repository, 'pull', 'push')}",
         f"oci:{layout.path}:one", f"docker://{host}/{repository}:one"],
        check=True, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return digest
