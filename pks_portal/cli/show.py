"""What a command prints: plain tables and facts on stdout, advice and failures on stderr, JSON where asked for."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer

from pks_portal import __version__
from pks_portal.cli.failures import Failure
from pks_portal.cli.words import language, say


class _Mode:
    """How this run prints. `json` is set by the option `--json`, and read again when the command fails."""

    json = False


mode = _Mode()


def choose_json(wanted: bool) -> bool:
    """Remember that `--json` was given (the option's callback)."""
    mode.json = wanted
    return wanted


def version(wanted: bool) -> None:
    """Print the version and end (the callback of `--version`)."""
    if wanted:
        line(f"pks {__version__}")
        raise typer.Exit


def line(text: str = "") -> None:
    """Print a line of the answer."""
    print(clean(text), flush=True)


def note(text: str) -> None:
    """Print a line for the person, not for a pipe."""
    print(clean(text), file=sys.stderr, flush=True)


def data(value: Any, *, compact: bool = False) -> None:
    """Print JSON: indented, or one line of a stream."""
    print(json.dumps(value, ensure_ascii=False, indent=None if compact else 2), flush=True)


def failure(failed: Failure) -> None:
    """Print a failure on stderr: what happened and what to do, or with `--json` the problem document."""
    if mode.json:
        print(json.dumps(failed.document, ensure_ascii=False, indent=2), file=sys.stderr)
        return
    note(_labelled(say("Error:"), failed.detail))
    if cause := failed.document.get("cause"):
        note(_labelled(say("Cause:"), str(cause)))
    if failed.advice:
        note(failed.advice)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their headers, in columns two spaces apart; nothing is cut or wrapped."""
    cells = [[clean(str("" if cell is None else cell)).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(headers, *cells, strict=True)]
    for row in [list(headers), *cells]:
        print("  ".join(_padded(*pair) for pair in zip(row, widths, strict=True)).rstrip())


def facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values; what is None is left out."""
    shown = [(f"{name}{'：' if language() != 'en' else ':'}", value) for name, value in pairs if value is not None]
    widest = max((width(name) for name, _ in shown), default=0)
    for name, value in shown:
        line(f"{_padded(name, widest)}  {value}".rstrip())


def moment(text: str | None) -> str:
    """Return the portal's time (ISO 8601) in this machine's time zone."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def seconds(value: float | None) -> str:
    """Return a duration as it is read: "0.4 s", "12 s", "3 min 5 s"."""
    if value is None:
        return ""
    if value < 10:  # noqa: PLR2004
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clean(text: str) -> str:
    """Return the text without what could drive a terminal: names and upstream's words come from other people."""
    return "".join(char if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf"} else "�" for char in text)


def width(text: str) -> int:
    """Return how many columns the text takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _labelled(label: str, text: str) -> str:
    return f"{label}{'' if width(label[-1]) > 1 else ' '}{text}"  # a Chinese colon brings its own space


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
