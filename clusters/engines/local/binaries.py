"""Kubernetes programs for clusters on this machine: which are offered, whether they are ready, and how to make them.

Run it as `python -m clusters.engines.local.binaries build|state|offered`; it needs no settings and no database.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from clusters.engines.local.artifacts import Binaries, BinariesUnusable, default, offered, ready
from clusters.engines.local.builder import build
from clusters.engines.local.progress import PHASES, State, checked, state
from pks_portal.errors import PortalError

__all__ = [
    "PHASES", "Binaries", "BinariesUnusable", "State", "build", "checked", "default", "offered", "ready", "state",
]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    options = _parser().parse_args(arguments)
    if not settings.configured:
        settings.configure(USE_I18N=False)
    try:
        return _COMMANDS[options.command](options)
    except PortalError as error:
        words = (error.detail, error.next_step, error.cause)
        sys.stderr.write("\n".join(word for word in words if word) + "\n")
        return 130 if error.key == "binaries.cancelled" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clusters.engines.local.binaries", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("build", "make the programs of a version"), ("state", "say where they are")):
        command = commands.add_parser(name, help=about)
        command.add_argument("version", nargs="?", default=default(), help="default: %(default)s")
        command.add_argument("--cache", type=Path, help="default: $PKS_CACHE_DIR or ~/.cache/pks-portal")
        command.add_argument("--json", action="store_true", help="one JSON object a line")
    commands.add_parser("offered", help="list the versions that clusters may have")
    return parser


def _build(options: argparse.Namespace) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    build(options.version, options.cache, lambda now: _show(now, options), stop.is_set)
    return 0


def _state(options: argparse.Namespace) -> int:
    _show(checked(options.version, options.cache), options)
    return 0


def _show(now: State, options: argparse.Namespace) -> None:
    line = json.dumps(now.as_json()) if options.json else f"{now.phase:<8}{now.share:>5.0%}  {now.said}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _offered(_: argparse.Namespace) -> int:
    sys.stdout.write("\n".join(offered()) + "\n")
    return 0


_COMMANDS = {"build": _build, "state": _state, "offered": _offered}

if __name__ == "__main__":
    sys.exit(main())
