"""How a worker carries an operation on: claim it, take short turns, keep the lease, leave a trace, come back later."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from structlog.contextvars import bound_contextvars

from pks_portal.errors import PortalError, Unavailable
from pks_portal.operations import pausing
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import KINDS, Kind, Turn
from pks_portal.operations.models import Operation
from tenants import audit

log = logging.getLogger(__name__)

RENEW_SECONDS = 2.0
SHORT_WAIT_SECONDS = 2.0  # what is shorter is slept through here; what is longer goes back to the queue
MAX_BACKOFF_SECONDS = 60.0


class Stopped(Exception):
    """The operation was asked to cancel, and this is a safe point."""


def run(operation_id: str) -> float | None:
    """Carry an operation on until it ends or must wait; return the seconds until it wants to go on, or None.

    Safe when called twice, early, late, or again after a crash: the claim decides.
    """
    if (operation := operations.claim(operation_id)) is None:
        return None
    kind = KINDS[operation.kind]
    here = audit.origin.set(audit.Origin(via="worker", request_id=f"op:{operation.pk}"))
    try:
        with bound_contextvars(operation_id=str(operation.pk)), leased(operation):
            seconds = _turns(operation, kind)
    except operations.Fenced:
        log.warning("Operation %s was taken over by another worker.", operation_id)
        return None
    finally:
        audit.origin.reset(here)
    if seconds is not None:
        pausing.release(operation, seconds)
    return seconds


def _turns(operation: Operation, kind: Kind) -> float | None:
    """Take turns until the end, a longer wait, or a failure."""
    operations.advance_steps(operation, {})
    try:
        return _until_wait(operation, kind)
    except Stopped:
        _cancel(operation, kind)
        return None
    except Unavailable as exc:
        return _retry(operation, kind, exc)
    except PortalError as exc:
        _fail(operation, kind, exc)
        return None
    except operations.Fenced:
        raise
    except Exception as exc:  # a bug: the task fails with a message, the log has the trace
        if not operations.renew(operation):  # or another worker has ended it, and what it was about is gone
            raise operations.Fenced(str(operation.pk)) from exc
        log.exception("Operation %s hit a bug.", operation.pk)
        return _retry(operation, kind, Unavailable("error.bug", kind=type(exc).__name__))


def _until_wait(operation: Operation, kind: Kind) -> float | None:
    """Take turns until one is the last (None) or wants to wait longer (seconds)."""
    while True:
        _stop_if_asked(operation)
        turn: Turn = kind.turn(operation)
        if turn.done:
            _end(operation, kind)
            return None
        if turn.again > SHORT_WAIT_SECONDS:
            return turn.again
        time.sleep(turn.again)


def _stop_if_asked(operation: Operation) -> None:
    """Raise Stopped at this safe point when somebody asked; look whether the operation is still ours."""
    if operations.cancel_asked(operation) and operation.cancellable:
        raise Stopped


def _cancel(operation: Operation, kind: Kind) -> None:
    """End a cancelled operation; where its subject cannot be settled, it fails and says why."""
    try:
        with transaction.atomic():
            operations.end(operation, Operation.Status.CANCELLED)
            kind.cancelled(operation)
    except PortalError as exc:
        _fail(operation, kind, exc)


def _end(operation: Operation, kind: Kind) -> None:
    with transaction.atomic():
        operations.lock(operation)
        kind.succeeded(operation)
        operations.end(operation, Operation.Status.SUCCEEDED)


def _fail(operation: Operation, kind: Kind, error: PortalError) -> None:
    with transaction.atomic():
        operations.lock(operation)
        kind.failed(operation, error)
        operations.end(operation, Operation.Status.FAILED, error=error)


def _retry(operation: Operation, kind: Kind, error: PortalError) -> float | None:
    """Put the operation off, or fail it when it has been tried often enough."""
    attempt = int(operations.held(operation).values_list("failures", flat=True).first() or 0) + 1
    if attempt > kind.attempts:
        _fail(operation, kind, error)
        return None
    seconds = min(0.5 * 2.0 ** (attempt - 1), MAX_BACKOFF_SECONDS)
    pausing.retry_later(operation, error, seconds=seconds, attempt=attempt, allowed=kind.attempts)
    return seconds


@contextmanager
def leased(operation: Operation) -> Iterator[None]:
    """Renew the lease from a second thread while the body works, however long one of its calls takes."""
    stop = threading.Event()

    def renew() -> None:
        try:
            while not stop.wait(RENEW_SECONDS):
                try:
                    if not operations.renew(operation):
                        return
                except Exception:  # noqa: BLE001 - a locked database now is tried again in two seconds
                    log.warning("The lease of operation %s could not be renewed this time.", operation.pk)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{operation.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def soon(*, moved: bool, idle_for: float) -> Turn:
    """Return the next turn's delay in proportion to how long nothing has moved: from 5 ms up to 3 s.

    After 40 s that is more than a short wait, and the worker's thread is free for others.
    """
    return Turn(again=0.005 if moved else min(3.0, max(0.02, idle_for / 20)))
