"""Where the pages of notices and webhooks are."""

from django.urls import path

from tenants.views import notices, webhooks

WEBHOOKS = "tenants/<slug:slug>/webhooks"
WEBHOOK = "webhooks/<uuid:pk>"

urlpatterns = [
    path("notices", notices.notices, name="notices"),
    path("notices/panel", notices.panel, name="notices-panel"),
    path("notices/read", notices.read_all, name="read-notices"),
    path("notices/mail", notices.choose_mail, name="choose-mail"),
    path("notices/<uuid:pk>", notices.follow, name="notice"),
    path("notices/<uuid:pk>/read", notices.read, name="read-notice"),
    path(WEBHOOKS, webhooks.webhook_list, name="webhooks"),
    path(f"{WEBHOOKS}/new", webhooks.create, name="create-webhook"),
    path("platform/webhooks", webhooks.webhook_list, name="platform-webhooks"),
    path("platform/webhooks/new", webhooks.create, name="create-platform-webhook"),
    path(WEBHOOK, webhooks.webhook, name="webhook"),
    path(f"{WEBHOOK}/change", webhooks.change, name="change-webhook"),
    path(f"{WEBHOOK}/secret", webhooks.renew_secret, name="renew-webhook-secret"),
    path(f"{WEBHOOK}/test", webhooks.test, name="test-webhook"),
    path(f"{WEBHOOK}/delete", webhooks.delete, name="delete-webhook"),
    path("deliveries/<uuid:pk>/resend", webhooks.resend, name="resend-delivery"),
]
