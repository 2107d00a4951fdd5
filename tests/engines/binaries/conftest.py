"""A Go module whose nine programs are tiny, so that the real toolchain builds them in a second."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clusters.engines.local import artifacts, binaries
from clusters.engines.local.artifacts import KUBERNETES, SHARED, Component, Recipe
from pks_portal import paths

os.environ["PATH"] += f":{paths.cache() / 'go' / 'bin'}"  # where bootstrap puts Go on a machine that has none
VERSION = "9.9.9"
NAMES = (*SHARED, *KUBERNETES)
PROGRAM = """package main

import "example.test/tiny/answer"

var version string

func main() { answer.Print("%s", version) }
"""
ANSWER = """package answer

import "os"

func Print(name, version string) { os.Stdout.WriteString(name + " " + version + "\\n") }
"""


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def tiny_module(folder: Path) -> Path:
    """Write a Go module with one program for each name."""
    (folder / "answer").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/tiny\n\ngo 1.26.0\n")
    (folder / "answer" / "answer.go").write_text(ANSWER)
    for name in NAMES:
        (folder / "cmd" / name).mkdir(parents=True)
        (folder / "cmd" / name / "main.go").write_text(PROGRAM % name)
    return folder


def tiny_components(tools: Path, ldflags: str = f"-s -w -X main.version={VERSION}") -> list[Component]:
    return [
        Component(
            name=name,
            recipe=Recipe(
                package=f"example.test/tiny/cmd/{name}", module="example.test/tiny", version=VERSION, ldflags=ldflags
            ),
            tools=tools,
            folder="" if name in SHARED else VERSION,
            asks=(),
            answer=f"{name} {VERSION}",
        )
        for name in NAMES
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the tiny module and a cache in which it is built."""
    root = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        offer(patch, tiny_module(root / "tools"))
        binaries.build(VERSION, root / "cache", lambda _: None)
    return root


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the tiny module, declared as the module of version 9.9.9; `tmp_path/cache` is empty."""
    return offer(monkeypatch, tiny_module(tmp_path / "tools"))


@pytest.fixture
def cache(built: Path, tools: Path, tmp_path: Path) -> Path:
    """Return a cache of its own in which everything is built."""
    return Path(shutil.copytree(built / "cache", tmp_path / "cache", copy_function=shutil.copy2))


def offer(patch: pytest.MonkeyPatch, tools: Path) -> Path:
    patch.setattr(artifacts, "declared", lambda: {VERSION: tools})
    patch.setattr(artifacts, "components", lambda _: tiny_components(tools))
    patch.setattr(artifacts, "modules", lambda _: 1)
    patch.delenv("PKS_KUBERNETES_BINARIES", raising=False)
    return tools


def script(file: Path, body: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def slow_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a `go` on PATH that starts a child, writes both ids, and goes on for ever."""
    pids = tmp_path / "pids"
    body = (
        f'[ "$1" = env ] && echo go1.30.0 && exit\nsleep 600 &\necho $$ $! > {pids}.part && mv {pids}.part {pids}\nwait'
    )
    script(tmp_path / "path" / "go", body)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def command(*arguments: str) -> "subprocess.Popen[str]":
    """Start the command line without any settings of Django."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PKS"))}
    line = [sys.executable, "-m", "clusters.engines.local.binaries", *arguments]
    return subprocess.Popen(line, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
