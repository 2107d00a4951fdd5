"""Every URL of the portal."""

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from clusters.api import CloudViewSet, ClusterViewSet, PlanViewSet
from clusters.emergency_api import EmergencyViewSet
from clusters.kubeconfigs_api import KubeconfigViewSet
from clusters.versions_api import VersionViewSet
from pks_portal.dashboard import dashboard
from pks_portal.directories.api import DirectoryViewSet
from pks_portal.health import healthz, readyz
from pks_portal.operations.api import TaskViewSet
from pks_portal.schema import reference
from pks_portal.upkeep.views import kept
from pks_portal.views import badges, preferences, search
from registry.tokens.views import token
from tenants.api.audit import AuditViewSet
from tenants.api.me import MeView
from tenants.api.people import PeopleViewSet
from tenants.api.quota_requests import QuotaRequestViewSet
from tenants.api.quotas import QuotaViewSet
from tenants.api.tenants import TenantViewSet
from tenants.api.webhooks import WebhookViewSet
from tenants.issuer import views as issuer
from tenants.views.audit import audit_export, audit_log
from tenants.views.profile import end_session, profile

api = SimpleRouter(trailing_slash=False)
api.register("tenants", TenantViewSet, basename="tenant")
api.register("people", PeopleViewSet, basename="person")
api.register("quotas", QuotaViewSet, basename="quota")
api.register("quota-requests", QuotaRequestViewSet, basename="quota-request")
api.register("audit", AuditViewSet, basename="audit")
api.register("clouds", CloudViewSet, basename="cloud")
api.register("plans", PlanViewSet, basename="plan")
api.register("versions", VersionViewSet, basename="version")
api.register("clusters", ClusterViewSet, basename="cluster")
api.register("kubeconfigs", KubeconfigViewSet, basename="kubeconfig")
api.register("tasks", TaskViewSet, basename="task")
api.register("webhooks", WebhookViewSet, basename="webhook")
api.register("directories", DirectoryViewSet, basename="directory")

EMERGENCY: dict[str, Any] = {"get": "list", "post": "create", "delete": "destroy"}
handler400 = "pks_portal.errors.not_understood"
handler403, handler404 = "pks_portal.errors.not_allowed", "pks_portal.errors.not_found"
urlpatterns = [
    path("service/token", token, name="registry-token"),
    path("healthz", healthz),
    path("readyz", readyz),
    path(".well-known/openid-configuration", issuer.configuration, name="issuer"),
    path(".well-known/jwks.json", issuer.keys, name="issuer-keys"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", reference, name="api-reference"),
    path("api/v1/me", MeView.as_view(), name="me"),
    path("api/v1/", include("tenants.api.urls")),
    path("api/v1/clusters/<uuid:cluster>/emergency", EmergencyViewSet.as_view(EMERGENCY)),
    path("api/v1/registry/", include("registry.api.urls")),
    path("api/v1/", include(api.urls)),
    path("", dashboard, name="dashboard"),
    path("", include("tenants.urls")),
    path("", include("tenants.views.automation_urls")),
    path("", include("tenants.views.tenancy_urls")),
    path("", include("tenants.views.approval_urls")),
    path("", include("tenants.views.notices_urls")),
    path("", include("clusters.urls")),
    path("", include("registry.urls")),
    path("", include("pks_portal.operations.urls")),
    path("", include("pks_portal.directories.urls")),
    path("audit", audit_log, name="audit"),
    path("audit/export", audit_export, name="audit-export"),
    path("platform/retention", kept, name="retention"),
    path("profile", profile, name="profile"),
    path("profile/sessions/<int:pk>/end", end_session, name="end-session"),
    path("preferences", preferences, name="preferences"),
    path("search", search, name="search"),
    path("badges", badges, name="badges"),
]
