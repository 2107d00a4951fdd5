"""Where a deed comes from, remembered for as long as a request or a task is served."""

from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

from celery import current_task


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a deed comes from: door ("page", "api", "cli", "worker", "console"), client address, request id."""

    via: str = ""
    address: str | None = None
    request_id: str = ""


NOWHERE: Final = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def here() -> Origin:
    """Return the origin; what is in no request is a worker's, or somebody's at the machine's console."""
    source = origin.get()
    return source if source.via else replace(source, via="worker" if current_task else "console")
