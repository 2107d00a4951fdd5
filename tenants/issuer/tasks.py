"""What beat asks of the issuer."""

from celery import shared_task

from tenants.issuer import signing


@shared_task(ignore_result=True)
def keep_fresh() -> None:
    """Rotate and prune signing keys as they grow old."""
    signing.keep_fresh()
