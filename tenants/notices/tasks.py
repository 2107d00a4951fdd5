"""The worker's doors."""

from celery import shared_task
from django.conf import settings

from tenants.notices import delivering, mail, reading, webhooks


@shared_task(ignore_result=True)
def deliver(delivery_id: str) -> None:
    """Try a webhook's delivery."""
    delivering.attempt(delivery_id)


@shared_task(ignore_result=True)
def send_mail(user_id: int) -> None:
    """Send a person what is due."""
    mail.send_to(user_id)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Queue what is due: a first attempt that was missed, the next one, gathered mail."""
    delivering.sweep()
    mail.sweep()


@shared_task(ignore_result=True)
def purge() -> None:
    """Forget what is older than is kept."""
    reading.purge(settings.PKS_NOTICE_DAYS)
    webhooks.purge(settings.PKS_DELIVERY_DAYS)
