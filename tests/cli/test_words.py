import ast
import os
import string
import subprocess
import sys
from pathlib import Path

import pytest

import pks_portal.cli
from pks_portal.cli import show, words
from pks_portal.cli.chinese import TEXTS
from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal

SOURCES = sorted(Path(pks_portal.cli.__file__).parent.glob("*.py"))
STATES = {"pending", "running", "done", "failed", "skipped"}


def said() -> set[str]:
    """Return every text that the sources say."""
    calls = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    texts = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "say"]
    return {str(text.value) for text in texts if isinstance(text, ast.Constant)} | STATES


def test_every_text_has_its_chinese_and_no_other() -> None:
    assert said() == TEXTS.keys()


def test_the_chinese_has_the_same_arguments() -> None:
    def arguments(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {english for english, chinese in TEXTS.items() if arguments(english) != arguments(chinese)} == set()


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "zh"}, "zh-hans"),
        ({"LANG": "de_DE", "LC_ALL": ""}, "en"),
    ],
)
def test_the_language_follows_the_locale(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    words.language.cache_clear()
    assert words.language() == language
    words.language.cache_clear()


def run_in(locale: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": locale, "PKS_HOME": str(home), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "pks_portal.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_help_and_usage_are_chinese(home: Path) -> None:
    ran = run_in("zh_CN.UTF-8", "create-cluster", "--help", home=home)
    assert ran.returncode == 0
    assert not [word for word in ("Usage", "Options", "required", "Show this", "The ") if word in ran.stdout]
    ran = run_in("zh_CN.UTF-8", "resize", "pay-dev", "-n", "many", home=home)
    assert (ran.returncode, ran.stderr.splitlines()[1]) == (2, "错误：'-n' / '--num-nodes' 的值无效：应为整数")
    ran = run_in("zh_CN.UTF-8", "clusters", home=home)
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (4, "错误：您尚未登录。")


def test_the_portal_is_asked_in_the_persons_language(signed_in: FakePortal, home: Path) -> None:
    ran = run_in("zh_CN.UTF-8", "plans", home=home)
    assert ran.stdout.splitlines()[1].split() == ["small", "小型", "1", "2", "4", "GiB", "2-10"]
    assert signed_in.requests("GET", "/api/v1/plans")[0].headers["accept-language"] == "zh-hans"


def test_help_starts_without_the_heavy_modules(home: Path) -> None:
    code = "import sys; from pks_portal.cli.__main__ import run; run(['--help']); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not loaded & {"django", "httpx", "rich", "yaml", "pks_portal.cli.chinese"}


def test_columns_are_straight_with_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["Name", "X"], [["支付", 1], ["a\x1b[2J", 2]])
    assert capsys.readouterr().out.splitlines() == ["Name   X", "支付   1", "a�[2J  2"]


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0.44, "0.4 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")])
def test_durations(seconds: float | None, text: str) -> None:
    assert show.seconds(seconds) == text


@pytest.mark.parametrize(
    "arguments", [[], ["foo"], ["clusters", "--nope"], ["task"], ["resize", "a"], ["tasks", "-l", "0"]]
)
def test_wrong_usage_exits_2(pks: Pks, arguments: list[str]) -> None:
    ran = pks(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: pks" in ran.err
