"""What the figures were measured on."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from pks_portal.paths import CHECKOUT
from tests.load.browser import CHROMIUM


def facts(version: str, programs: Path) -> dict[str, Any]:
    """Return the machine, the versions of what ran on it, and the commit."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kubernetes": version,
        "etcd": _version(programs / "etcd", "--version"),
        "kwokctl": _version(programs / "kwokctl", "--version"),
        "chromium": _version(CHROMIUM, "--version"),
        "redis": _version("redis-server", "--version"),
        "haproxy": _version("haproxy", "-v"),
        "commit": _commit(),
    }


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _version(program: str | Path, flag: str) -> str:
    """Return the first version number that a program says of itself."""
    if (found := shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin")) is None:
        return "not there"
    done = subprocess.run([found, flag], capture_output=True, text=True, timeout=20, check=False)
    number = re.search(r"\d+(?:\.\d+)+", done.stdout)
    return number[0] if number else "unknown"


def _commit() -> str:
    words = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() or "unknown"
