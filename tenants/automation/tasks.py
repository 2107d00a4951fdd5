"""What is done by and by: answers forgotten, ends announced."""

from celery import shared_task

from tenants import sessions
from tenants.automation import expiring, idempotency


@shared_task(ignore_result=True)
def forget() -> None:
    """Forget the answers to requests of yesterday, and sessions that have ended."""
    idempotency.purge()
    sessions.purge()


@shared_task(ignore_result=True)
def warn() -> None:
    """Tell of tokens that end soon."""
    expiring.warn()
