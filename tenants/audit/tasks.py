"""What beat does for the trail: seal it, tell its head, verify it, let go of what is too old."""

from celery import shared_task

from tenants.audit import purging, sealing, verifying


@shared_task(ignore_result=True)
def seal() -> None:
    """Seal what was committed since the last time, and once an hour write the head to the log."""
    sealing.seal()
    sealing.tell()


@shared_task(ignore_result=True)
def verify() -> None:
    """Walk the chain; the health page shows the outcome."""
    verifying.verify()


@shared_task(ignore_result=True)
def purge() -> None:
    """Let go of what is older than is kept."""
    purging.purge()
