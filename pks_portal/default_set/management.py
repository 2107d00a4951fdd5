"""What the portal's own commands do for the set: migrate, seed, collect static files, say how Kubernetes builds go."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pks_portal.default_set.configuration import base_environment, tree_fingerprint
from pks_portal.default_set.place import Place, write
from pks_portal.default_set.words import SetError, _

PATIENCE: Final = 300.0  # seconds for all commands (a migration of a large database)
SCRIPT: Final = """
import json, os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")
import django
from django.core.management import call_command
django.setup()
for command in json.loads(sys.argv[1]):
    call_command(*command)
"""
"""Runs management commands one after the other in one process: a second less of start-up for each."""


def prepare(place: Place, environment: Mapping[str, str]) -> None:
    """Bring the database up to the code, put in what the demo starts from, collect static files where they changed."""
    stamp, wanted = _static_stamp(place)
    commands = [
        ["migrate", "--no-input", "--verbosity", "0"],
        ["seed_demo"],
        ["seed_clusters"],
        ["seed_registry"],
        ["key_ring", "seal"],
        ["issuer_keys", "create"],
    ]
    changed = not stamp.exists() or stamp.read_text() != wanted
    _run(place, environment, commands + [["collectstatic", "--no-input", "--verbosity", "0"]] * changed)
    write(stamp, wanted)


def ask_for_binaries(place: Place) -> subprocess.Popen[str]:
    """Ask how far the Kubernetes binaries are; beside the rest, since the answer takes a second."""
    return subprocess.Popen(
        [sys.executable, "-m", "clusters.engines.local.binaries", "state", "--cache", str(place.cache)],
        cwd=place.checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def answer(asked: subprocess.Popen[str]) -> str:
    """Return the line that the asked command says, in English; never fails."""
    try:
        said = " ".join(asked.communicate(timeout=PATIENCE)[0].split())
    except subprocess.TimeoutExpired:
        asked.kill()
        said = ""
    return said or _("state unknown; see the versions page")


def _static_stamp(place: Place) -> tuple[Path, str]:
    """Return the file that says of which sources static files were collected last, and what it should say now."""
    sources = ("static", "requirements.txt", "pks_portal/storage.py")
    return place.run / "static.stamp", tree_fingerprint(place.checkout, sources)


def _run(place: Place, environment: Mapping[str, str], commands: list[list[str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(commands)],
        env={**base_environment(), **environment},
        cwd=place.checkout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        shown = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetError(_("The database or the static files could not be prepared:") + "\n" + shown)
