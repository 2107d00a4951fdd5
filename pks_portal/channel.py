"""Messages to open sockets over the channel layer. They only say "look again": what is true is in the database."""

import asyncio
import logging
import threading
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)

SEND_SECONDS = 2.0
_loop: asyncio.AbstractEventLoop | None = None


def keep_connection() -> None:
    """Send over one kept connection from now on, from a thread of its own (for workers, which have no event loop).

    Otherwise each message would make an event loop and a connection, which is a quarter of what a turn costs.
    """
    global _loop  # noqa: PLW0603 - one per process
    if _loop is None:
        _loop = asyncio.new_event_loop()
        threading.Thread(target=_loop.run_forever, name="live", daemon=True).start()


def send(group: str, message: dict[str, Any]) -> None:
    """Send on the channel layer; a dead Redis must not undo what the database has (watchers look there anyway)."""
    if (layer := get_channel_layer()) is None:
        return
    try:
        if _loop is None:
            async_to_sync(layer.group_send)(group, message)
        else:
            asyncio.run_coroutine_threadsafe(layer.group_send(group, message), _loop).result(SEND_SECONDS)
    except Exception:  # noqa: BLE001 - whatever the channel layer raises, the news is in the database
        log.warning("The channel layer does not answer; watchers will find %s in the database.", group)


def send_soon(group: str, message: dict[str, Any]) -> None:
    """Send once the transaction is committed."""
    transaction.on_commit(partial(send, group, message))
