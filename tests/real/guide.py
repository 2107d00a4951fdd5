"""A guide's commands, taken from its fenced console blocks."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```console ?(\w*)$(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """`kind` is "" for the shell, "systemd", or "elsewhere"; `script` is its commands without prompts."""

    line: int
    kind: str
    script: str


def blocks(guide: Path) -> Iterator[Block]:
    """Yield the blocks in order. A line without the prompt "# " belongs to the command before it."""
    text = guide.read_text()
    for found in FENCE.finditer(text):
        script = re.sub(r"^# ", "", found[2].strip("\n"), flags=re.MULTILINE)
        yield Block(text[: found.start()].count("\n") + 1, found[1], script)


def run(block: Block, variables: dict[str, str]) -> str:
    """Run a block in bash, which stops at the first command that fails; return what it said."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.script], env=variables, cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"line {block.line}:\n{block.script}\n\n{done.stdout}"
    return done.stdout


def exports(block: Block) -> set[str]:
    """Return the names of what a block that does nothing else exports; empty for any other block."""
    lines = block.script.splitlines()
    only = all(line.startswith("export ") for line in lines)
    return set(re.findall(r" ([A-Z_]+)=", block.script)) if only else set()
