"""Builders as processes: one at a time, ended with their compiler, and told from dead ones."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from clusters.engines.local import binaries
from clusters.engines.local.artifacts import BinariesUnusable
from clusters.engines.local.progress import State, builder, only_builder
from tests.engines.binaries.conftest import VERSION, alive, command, eventually, slow_go


def test_cancelling_ends_the_compiler(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_go(tmp_path, monkeypatch)
    with pytest.raises(BinariesUnusable) as raised:
        binaries.build(VERSION, tmp_path / "cache", lambda _: None, (tmp_path / "pids").exists)
    assert raised.value.key == "binaries.cancelled"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    eventually(lambda: not any(alive(pid) for pid in pids))


def test_the_compiler_ends_with_a_killed_builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_go(tmp_path, monkeypatch)
    with command("build", "1.37.2", "--cache", str(tmp_path / "cache")) as process:
        eventually((tmp_path / "pids").exists)
        go = int((tmp_path / "pids").read_text().split()[0])
        child = int((tmp_path / "pids").read_text().split()[1])
        assert os.getpriority(os.PRIO_PROCESS, go) == 19
        assert binaries.state("1.37.2", tmp_path / "cache").phase == "fetch"
        assert binaries.state("1.36.3", tmp_path / "cache").said.key == "binaries.behind"
        process.kill()
        process.wait()
    eventually(lambda: not alive(go))
    os.kill(child, signal.SIGKILL)  # a child of the compiler ends by itself when its package is done; ours sleeps
    state = binaries.state("1.37.2", tmp_path / "cache")
    assert (state.phase, state.said.key) == ("absent", "binaries.interrupted")


def test_sigterm_cancels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_go(tmp_path, monkeypatch)
    with command("build", "1.37.2", "--cache", str(tmp_path / "cache")) as process:
        eventually((tmp_path / "pids").exists)
        process.terminate()
        assert process.wait(20) == 130
    assert not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_the_command_line_needs_no_settings(tmp_path: Path) -> None:
    with command("offered") as process:
        assert process.communicate()[0].split() == ["1.37.2", "1.36.3"]
    with command("state", "1.36.3", "--json", "--cache", str(tmp_path)) as process:
        told = json.loads(process.communicate()[0])
    assert (told["version"], told["phase"], told["share"]) == ("1.36.3", "absent", 0)
    with command("build", "1.99.0", "--cache", str(tmp_path)) as process:
        out, error = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "1.99.0" in error


def test_one_build_at_a_time_and_the_other_says_that_it_waits(cache: Path) -> None:
    told: list[State] = []
    free = threading.Event()

    def other() -> None:
        with only_builder(cache / "bin", "1.36.3", lambda _: None, lambda: False):
            free.wait(20)

    holder = threading.Thread(target=other)
    holder.start()
    eventually(lambda: builder(cache / "bin") == "1.36.3")
    waiting = threading.Thread(target=binaries.build, args=(VERSION, cache, told.append))
    waiting.start()
    eventually(lambda: bool(told))
    assert (told[0].phase, told[0].said.key) == ("absent", "binaries.queued")
    free.set()
    waiting.join(20)
    holder.join(20)
    assert told[-1].phase == "ready"
    assert builder(cache / "bin") == ""
