"""Every URL of the portal."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from clusters.api import CloudViewSet, ClusterViewSet, PlanViewSet
from clusters.versions_api import VersionViewSet
from pks_portal.dashboard import dashboard
from pks_portal.health import healthz, readyz
from pks_portal.operations.api import TaskViewSet
from pks_portal.schema import reference
from pks_portal.views import badges, preferences, search
from tenants.api.me import MeView
from tenants.api.tenants import TenantViewSet
from tenants.views.profile import end_session, profile

api = SimpleRouter(trailing_slash=False)
api.register("tenants", TenantViewSet, basename="tenant")
api.register("clouds", CloudViewSet, basename="cloud")
api.register("plans", PlanViewSet, basename="plan")
api.register("versions", VersionViewSet, basename="version")
api.register("clusters", ClusterViewSet, basename="cluster")
api.register("tasks", TaskViewSet, basename="task")

handler403, handler404 = "pks_portal.errors.not_allowed", "pks_portal.errors.not_found"
urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", reference, name="api-reference"),
    path("api/v1/me", MeView.as_view(), name="me"),
    path("api/v1/", include(api.urls)),
    path("", dashboard, name="dashboard"),
    path("", include("tenants.urls")),
    path("", include("clusters.urls")),
    path("", include("pks_portal.operations.urls")),
    path("profile", profile, name="profile"),
    path("profile/sessions/<int:pk>/end", end_session, name="end-session"),
    path("preferences", preferences, name="preferences"),
    path("search", search, name="search"),
    path("badges", badges, name="badges"),
]
