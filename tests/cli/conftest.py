"""A fake portal, a home of one's own, and `pks` run in this process."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pks_portal.cli import following, rest
from pks_portal.cli.__main__ import run
from tests.cli.fake_portal import FakePortal, cluster, serving


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Pks = Callable[..., Ran]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PKS_TOKEN", raising=False)
    monkeypatch.delenv("PKS_API", raising=False)
    monkeypatch.setenv("PKS_HOME", str(tmp_path / "pks"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr(rest, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.01)
    return tmp_path / "pks"


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with serving(FakePortal(clusters=[cluster("pay-dev")])) as fake:
        yield fake
    assert fake.lies == []


@pytest.fixture
def pks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pks:
    def command(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        capsys.readouterr()
        code = run(list(arguments))
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture
def signed_in(pks: Pks, portal: FakePortal, home: Path) -> FakePortal:
    """A profile with valid tokens, kept as `pks login` keeps it."""
    home.mkdir()
    kept = {"api": portal.url, "access_token": "access-1", "refresh_token": "refresh-1", "user": "li.na"}
    (home / "creds.json").write_text(json.dumps(kept))
    return portal
