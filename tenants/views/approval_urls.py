"""Where the pages of approvals and quotas are."""

from django.urls import path

from tenants.views import approvals, quotas

ONE = "approvals/<uuid:pk>"
QUOTA = "tenants/<slug:slug>/quota"

urlpatterns = [
    path("approvals", approvals.inbox, name="approvals"),
    path("approvals/summary", approvals.summary, name="approvals-summary"),
    path("approvals/decide", approvals.decide, name="approvals-decide"),
    path(ONE, approvals.detail, name="approval"),
    path(f"{ONE}/after", approvals.after, name="approval-after"),
    path(f"{ONE}/approve", approvals.approve, name="approve"),
    path(f"{ONE}/reject", approvals.reject, name="reject"),
    path(f"{ONE}/withdraw", approvals.withdraw, name="withdraw-request"),
    path(QUOTA, quotas.quota, name="quota"),
    path(f"{QUOTA}/ask", quotas.ask, name="ask-quota"),
    path(f"{QUOTA}/limits", quotas.limits, name="quota-limits"),
    path(f"{QUOTA}/limits/preview", quotas.preview, name="quota-limits-preview"),
]
