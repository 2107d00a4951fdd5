"""The worker's door: look into every directory from time to time."""

import logging

from celery import shared_task

from pks_portal.directories import syncing
from tenants.directory import sources

log = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def look() -> None:
    """Compare every enabled directory with what is here, and start a task for each that differs."""
    for source, _config in sources.configured():
        if source.enabled:
            try:
                syncing.look(source)
            except Exception:  # one directory that answers strangely stops no other
                log.exception("The directory %s could not be compared.", source.slug)
