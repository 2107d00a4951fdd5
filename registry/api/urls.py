"""`/api/v1/registry/…`."""

from typing import Any

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from registry.api.artifacts import ArtifactViewSet
from registry.api.labels import ArtifactLabelsViewSet, LabelsViewSet
from registry.api.projects import ProjectMembersViewSet, ProjectViewSet, RobotsViewSet
from registry.api.repositories import RepositoryViewSet
from registry.api.rules import ImmutableRulesViewSet, RetentionRulesViewSet, RetentionRunsViewSet
from registry.api.scanning import DatabaseView, ImageFindingsViewSet, ScannersView, VulnerabilitySearchViewSet
from registry.api.trust import CveExceptionsViewSet, TrustedKeysViewSet
from registry.api.upkeep import ArtifactCopiesViewSet, GarbageCollectionsViewSet

router = SimpleRouter(trailing_slash=False)
router.register("projects", ProjectViewSet, basename="registry-project")
router.register("repositories", RepositoryViewSet, basename="registry-repository")
router.register("artifacts", ArtifactViewSet, basename="registry-artifact")
router.register("vulnerabilities", VulnerabilitySearchViewSet, basename="registry-vulnerability")

LIST: dict[str, Any] = {"get": "list", "post": "create"}
CHANGE: dict[str, Any] = {"patch": "partial_update", "delete": "destroy"}
PROJECT = "projects/<str:project>"
ARTIFACT = "artifacts/<uuid:artifact>"
urlpatterns = [
    path(f"{PROJECT}/members", ProjectMembersViewSet.as_view(LIST)),
    path(f"{PROJECT}/members/<str:user>", ProjectMembersViewSet.as_view({"delete": "destroy"})),
    path(f"{PROJECT}/robots", RobotsViewSet.as_view(LIST)),
    path(
        f"{PROJECT}/robots/<str:name>",
        RobotsViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{PROJECT}/robots/<str:name>/rotate", RobotsViewSet.as_view({"post": "rotate"})),
    path(f"{PROJECT}/trusted-keys", TrustedKeysViewSet.as_view(LIST)),
    path(f"{PROJECT}/trusted-keys/<uuid:pk>", TrustedKeysViewSet.as_view({"delete": "destroy"})),
    path(f"{PROJECT}/exceptions", CveExceptionsViewSet.as_view(LIST)),
    *(
        path(f"{PROJECT}/exceptions/<uuid:pk>/{verb}", CveExceptionsViewSet.as_view({"post": verb}))
        for verb in ("approve", "reject", "withdraw")
    ),
    path(f"{ARTIFACT}/findings", ImageFindingsViewSet.as_view({"get": "list"})),
    path(f"{ARTIFACT}/report", ImageFindingsViewSet.as_view({"get": "report"})),
    path(f"{ARTIFACT}/scans", ImageFindingsViewSet.as_view({"get": "scans", "post": "scan"})),
    path(f"{ARTIFACT}/sbom", ImageFindingsViewSet.as_view({"get": "sbom"})),
    path("scanners", ScannersView.as_view()),
    path("scanners/databases/<slug:kind>", DatabaseView.as_view()),
    path(f"{PROJECT}/immutable-rules", ImmutableRulesViewSet.as_view(LIST)),
    path(f"{PROJECT}/immutable-rules/<int:id>", ImmutableRulesViewSet.as_view(CHANGE)),
    path(f"{PROJECT}/retention-rules", RetentionRulesViewSet.as_view(LIST)),
    path(f"{PROJECT}/retention-rules/<int:id>", RetentionRulesViewSet.as_view(CHANGE)),
    path(f"{PROJECT}/retention-runs", RetentionRunsViewSet.as_view(LIST)),
    path(f"{PROJECT}/retention-runs/<uuid:pk>", RetentionRunsViewSet.as_view({"get": "retrieve"})),
    path(f"{ARTIFACT}/copies", ArtifactCopiesViewSet.as_view({"post": "create"})),
    path("labels", LabelsViewSet.as_view(LIST)),
    path("labels/<int:id>", LabelsViewSet.as_view(CHANGE)),
    path(f"{PROJECT}/labels", LabelsViewSet.as_view(LIST)),
    path(f"{PROJECT}/labels/<int:id>", LabelsViewSet.as_view(CHANGE)),
    path(f"{ARTIFACT}/labels", ArtifactLabelsViewSet.as_view({"post": "create"})),
    path(f"{ARTIFACT}/labels/<int:id>", ArtifactLabelsViewSet.as_view({"delete": "destroy"})),
    path("garbage-collections", GarbageCollectionsViewSet.as_view(LIST)),
    path("garbage-collections/<uuid:pk>", GarbageCollectionsViewSet.as_view({"get": "retrieve"})),
    path("reconciliations", GarbageCollectionsViewSet.as_view({"post": "reconcile"})),
    path("", include(router.urls)),
]
