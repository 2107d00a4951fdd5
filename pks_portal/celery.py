"""The Celery application and what beat runs."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")

app = Celery("pks_portal")
app.set_default()  # for every thread, whatever imported Celery first
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_unused: Any) -> None:
    """Leave logging as the settings have it: Celery configures none where somebody listens to this signal."""


@worker_ready.connect
def keep_connection(**_unused: Any) -> None:
    """Let the worker tell watchers of its events over one connection."""
    from pks_portal.operations import live  # noqa: PLC0415 - needs the settings, which are read when Celery starts

    live.keep_connection()
