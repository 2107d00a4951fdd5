"""`/api/v1/registry/…`."""

from typing import Any

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from registry.api.artifacts import ArtifactViewSet
from registry.api.projects import ProjectMembersViewSet, ProjectViewSet, RobotsViewSet
from registry.api.repositories import RepositoryViewSet

router = SimpleRouter(trailing_slash=False)
router.register("projects", ProjectViewSet, basename="registry-project")
router.register("repositories", RepositoryViewSet, basename="registry-repository")
router.register("artifacts", ArtifactViewSet, basename="registry-artifact")

LIST: dict[str, Any] = {"get": "list", "post": "create"}
PROJECT = "projects/<str:project>"
urlpatterns = [
    path(f"{PROJECT}/members", ProjectMembersViewSet.as_view(LIST)),
    path(f"{PROJECT}/members/<str:user>", ProjectMembersViewSet.as_view({"delete": "destroy"})),
    path(f"{PROJECT}/robots", RobotsViewSet.as_view(LIST)),
    path(
        f"{PROJECT}/robots/<str:name>",
        RobotsViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{PROJECT}/robots/<str:name>/rotate", RobotsViewSet.as_view({"post": "rotate"})),
    path("", include(router.urls)),
]
