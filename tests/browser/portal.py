"""A whole portal for the browser tests: Redis, web server and worker as children, in a scratch directory."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60


class Portal:
    """The processes, the address, and the session cookies of the people whom seed.py made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, redis = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "pks_portal.settings",
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "PKS_KEY_RING": '{"k1": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}',
            "PKS_DATA_DIR": str(root),
            "PKS_PUBLIC_URL": self.url,
            "PKS_DEMO": "true",
            "DATABASE_URL": "",
            "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        }
        self.children: list[subprocess.Popen[bytes]] = []
        self.redis_port = redis
        self.sessions: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        """Start everything and wait until it answers."""
        for name in ("db", "log", "run", "redis"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        words = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.root / "redis")]
        self._child("redis", ["redis-server", *words])
        self.manage("migrate", "-v0")
        self.manage("collectstatic", "--noinput", "-v0")
        self.manage("compilemessages", "-v0", "--locale", "zh_Hans")
        self._start_web()
        worker = f"worker -B -s {self.root}/run/beat --pool threads --concurrency 4 --without-gossip --without-mingle"
        words = ["-m", "celery", "-A", "pks_portal", *worker.split(), "--loglevel", "WARNING"]
        self._child("worker", [sys.executable, *words])
        self._answers()
        self.seed()

    def restart_web(self) -> None:
        """Kill the web server as a crash would, and start it again."""
        web = self.children.pop(self.children.index(self.web))
        web.kill()
        web.wait()
        self._start_web()
        self._answers()

    def _start_web(self) -> None:
        words = f"pks_portal.asgi:application --host 127.0.0.1 --port {self.port} --lifespan off --no-access-log"
        words += " --http registry.gateway.server:Protocol"
        self.web = self._child("web", [sys.executable, "-m", "uvicorn", *words.split()])

    def manage(self, *words: str) -> None:
        """Run a management command."""
        subprocess.run([sys.executable, "manage.py", *words], cwd=CHECKOUT, env=self.environment, check=True)

    def seed(self) -> None:
        """Make tenants, people, clouds and plans, and remember the people's sessions."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.browser.seed"],
            cwd=CHECKOUT, env=self.environment, check=True, capture_output=True,
        )  # fmt: skip
        self.facts = json.loads(done.stdout.splitlines()[-1])
        self.sessions = self.facts["sessions"]

    def stop(self) -> None:
        """End every child, the last started first."""
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def run(self, code: str) -> str:
        """Run a piece of Python inside the portal's Django and return what it printed."""
        words = [sys.executable, "-c", f"import django; django.setup()\n{code}"]
        done = subprocess.run(words, cwd=CHECKOUT, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _child(self, name: str, words: list[str]) -> subprocess.Popen[bytes]:
        with (self.root / "log" / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(words, cwd=CHECKOUT, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        self.children.append(child)
        return child

    def _answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as response:
                if response.status == 200:
                    return
            if any(child.poll() is not None for child in self.children):
                break
            time.sleep(0.1)
        logs = "\n".join(file.read_text(encoding="utf-8")[-3000:] for file in (self.root / "log").glob("*.log"))
        raise RuntimeError(f"the portal did not start:\n{logs}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(root: Path | None = None) -> Any:
    """Run a portal for the length of a with block; a root of its own is removed afterwards."""
    place = root or Path(tempfile.mkdtemp(prefix="pks-browser-"))
    portal = Portal(place)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()
        if root is None:
            shutil.rmtree(place, ignore_errors=True)
