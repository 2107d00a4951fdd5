"""A portal for a company: strict under https, and it does not start without its secrets."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
RING = '{"k1": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}'
PROGRAMS = {
    "web": "-m uvicorn pks_portal.asgi:application --http registry.gateway.server:Protocol --port 0 --lifespan off",
    "worker": "-m celery -A pks_portal worker --pool solo",
}


def run(place: Path, *words: str, **environment: str | None) -> Any:
    """Run a program in a company's environment; a variable that is None is missing."""
    given = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "pks_portal.settings",
        "PKS_DATA_DIR": str(place),
        "PKS_PUBLIC_URL": "https://pks.corp.example",
        "SECRET_KEY": "only-for-tests-" + "".join(map(str, range(40))),
        "PKS_KEY_RING": RING,
        "REDIS_URL": "redis://:only-for-tests@127.0.0.1:1/0",
        "PKS_ISSUER_URL": "https://pks.corp.example:8443",
        **environment,
    }
    known = {name: value for name, value in given.items() if value is not None}
    return subprocess.run(
        [sys.executable, *words], check=False, cwd=CHECKOUT, env=known, capture_output=True, text=True, timeout=60
    )


def test_djangos_own_checks_have_nothing_to_say(tmp_path: Path) -> None:
    done = run(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "django-insecure-" + "".join(map(str, range(40)))}, "SECRET_KEY"),
        ({"PKS_KEY_RING": None}, "key ring"),
        ({"PKS_KEY_RING": "{}"}, "key ring"),
        ({"PKS_KEY_RING": '{"k1": "c2hvcnQ="}'}, "key ring"),
        ({"PKS_KEY_RING": None, "PKS_KEY_RING_FILE": "/nowhere/ring"}, "key ring"),
        ({"REDIS_URL": None}, "REDIS_URL"),
    ],
)
@pytest.mark.parametrize("program", ["web", "worker"])
def test_it_does_not_start_without_its_secrets(tmp_path: Path, environment: Any, said: str, program: str) -> None:
    done = run(tmp_path, *PROGRAMS[program].split(), **environment)
    assert done.returncode != 0
    assert said in done.stderr
    assert "c2hvcnQ" not in done.stderr
