"""The Celery application and what beat runs."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging, worker_ready
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")

app = Celery("pks_portal")
app.set_default()  # for every thread, whatever imported Celery first
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def look_first(**_unused: Any) -> None:
    """Start only when all is there; whatever else a receiver raises Celery would only log."""
    from pks_portal.boot import refuse_if_incomplete  # noqa: PLC0415 - needs the settings

    try:
        refuse_if_incomplete()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


@setup_logging.connect
def keep_logging(**_unused: Any) -> None:
    """Leave logging as the settings have it: Celery configures none where somebody listens to this signal."""


@worker_ready.connect
def keep_connection(**_unused: Any) -> None:
    """Let the worker tell watchers of its events over one connection."""
    from pks_portal.operations import live  # noqa: PLC0415 - needs the settings, which are read when Celery starts

    live.keep_connection()
