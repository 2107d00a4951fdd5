"""deploy/systemd/portal.env and docs/operate.md name every setting that the code reads, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pks_portal.paths import CHECKOUT

TEMPLATE = CHECKOUT / "deploy" / "systemd" / "portal.env"
GUIDE = CHECKOUT / "docs" / "operate.md"
NAME = re.compile(r"PKS_[A-Z][A-Z_]*[A-Z]|SECRET_KEY|DATABASE_URL|REDIS_URL|ALLOWED_HOSTS|CSRF_TRUSTED_ORIGINS|DEBUG")
READERS = {"text", "secret", "flag", "integer", "choice", "items", "destinations", "get", "getenv"}
LINE = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)


def sources() -> Iterator[Path]:
    for folder in ("pks_portal", "tenants", "clusters", "registry"):
        for file in (CHECKOUT / folder).rglob("*.py"):
            if "cli" not in file.parts:  # what the command line reads is the person's own
                yield file


def read(file: Path) -> Iterator[str]:
    """Yield the names of environment variables that a file reads."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READERS:
            first = node.args[0] if node.args else None
        elif isinstance(node, ast.Subscript):
            first = node.slice if isinstance(node.value, ast.Attribute | ast.Name) else None
        else:
            continue
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and NAME.fullmatch(first.value):
            yield first.value


def test_the_template_has_every_setting_and_no_other() -> None:
    known = {name for file in sources() for name in read(file)}
    assert {"PKS_PUBLIC_URL", "PKS_PORT", "PKS_KEY_RING_FILE", "PKS_DATA_DIR", "SECRET_KEY"} <= known
    named = LINE.findall(TEMPLATE.read_text())
    assert len(named) == len(set(named)), "each once"
    plain = {name if name in known else name.removesuffix("_FILE") for name in named}
    assert plain == known, f"missing: {known - plain}; stale: {plain - known}"


def test_each_setting_is_explained() -> None:
    before = ""
    for line in TEMPLATE.read_text().splitlines():
        if LINE.match(line):
            assert before.startswith("# ") or LINE.match(before), f"{line} has no line that says what it is"
        before = line


def tabled() -> Iterator[str]:
    """Yield the names that the guide's table gives; `_CA` after `PKS_DIRECTORY_URI` stands for `PKS_DIRECTORY_CA`."""
    for line in GUIDE.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        names = re.findall(r"`(\w+)`", line.split("|")[1])
        parts = names[0].split("_")
        for name in names:
            if name.startswith("_"):
                yield from ("_".join(parts[:end]) + name for end in range(1, len(parts)))
            else:
                yield name


def test_the_guide_tables_every_setting() -> None:
    known = {name for file in sources() for name in read(file)}
    assert known <= set(tabled()), f"missing: {known - set(tabled())}"
