"""The Celery application and what beat runs."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")

app = Celery("pks_portal")
app.set_default()  # for every thread, whatever imported Celery first
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
