"""Run the registry's own garbage collection: it takes away every blob that no manifest names.

Never with --delete-untagged, which would take signatures and SBOMs, for they have no tag, and children of indexes.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from django.conf import settings

from pks_portal.errors import Unavailable
from registry import shelf

PROGRAMS: Final = ("docker-registry", "registry")
"""Debian's 2.8, and distribution's own name of 3.x."""
LOOK_SECONDS: Final = 1.0
LAST: Final = 1500


def sweep(still: Callable[[], None]) -> None:
    """Collect, and call `still` every second meanwhile: what it raises ends the collection.

    The program dies with the thread that started it, so that it never runs on while pushes do. Raises Unavailable.
    """
    place = shelf.place()
    if place is not None and not (place / "repositories").is_dir():
        return  # nothing was ever pushed, which the program would call an error
    with TemporaryFile() as output:
        command = ["setpriv", "--pdeathsig", "KILL", _program(), "garbage-collect", settings.REGISTRY_CONFIG]
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env={})
        try:
            code = _waited(process, still)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if code != 0:
            raise Unavailable("error.collect_failed", system="registry", cause=_end_of(output), code=code)


def _waited(process: subprocess.Popen[bytes], still: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            still()


def _program() -> str:
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None or not Path(settings.REGISTRY_CONFIG).is_file():
        raise Unavailable("error.collect_here", system="registry", file=settings.REGISTRY_CONFIG)
    return found


def _end_of(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, 2) - LAST))
    return output.read().decode(errors="replace")
