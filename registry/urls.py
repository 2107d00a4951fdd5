"""Pages of the registry: what is there under /images, as clients write it; what one does to it under /registry."""

from django.urls import path, re_path

from registry.views import artifacts, labelled, listing, projects, repositories, robots, rules, scanning, storage, trust

app_name = "registry"
RULES = r"^registry/projects/(?P<project>[^/]+)/rules/(?P<sort>immutable|retention)"
urlpatterns = [
    path("security", scanning.overview, name="security"),
    path("platform/scanners", scanning.scanners, name="scanners"),
    path("platform/image-storage", storage.show, name="storage"),
    path("registry/collections", storage.collect, name="collect"),
    path("registry/reconciliations", storage.reconcile, name="reconcile"),
    path("platform/labels", labelled.platform, name="platform-labels"),
    path("registry/labels", labelled.add_to_platform, name="add-platform-label"),
    path("registry/labels/<int:pk>", labelled.change_of_platform, name="change-platform-label"),
    path("registry/projects/<str:project>/labels", labelled.add, name="add-label"),
    path("registry/projects/<str:project>/labels/<int:pk>", labelled.change, name="change-label"),
    path("registry/mark/<path:reference>", labelled.mark, name="mark"),
    path("registry/databases", scanning.take_in, name="take-in"),
    path("registry/scan-all", scanning.scan_all, name="scan-all"),
    path("registry/scan/<path:reference>", scanning.scan, name="scan"),
    path("registry/sbom/<path:reference>", scanning.sbom, name="sbom"),
    path("approvals/exceptions", trust.waiting, name="exceptions"),
    path("images", listing.project_list, name="list"),
    path("images/<path:reference>", listing.show, name="show"),
    path("registry/projects", listing.create_project, name="create-project"),
    path("registry/projects/<str:project>/policy", projects.change_policy, name="policy"),
    path("registry/projects/<str:project>/delete", projects.delete_project, name="delete-project"),
    path("registry/projects/<str:project>/members", projects.give_role, name="give-role"),
    path("registry/projects/<str:project>/members/<int:pk>/remove", projects.withdraw_role, name="withdraw-role"),
    path("registry/projects/<str:project>/robots", robots.create, name="create-robot"),
    path("registry/projects/<str:project>/robots/<str:name>", robots.change, name="change-robot"),
    path("registry/projects/<str:project>/robots/<str:name>/rotate", robots.rotate, name="rotate-robot"),
    path("registry/projects/<str:project>/keys", trust.add_key, name="add-key"),
    path("registry/projects/<str:project>/keys/<uuid:pk>/remove", trust.remove_key, name="remove-key"),
    path("registry/projects/<str:project>/exceptions", trust.ask, name="ask-exception"),
    path("registry/projects/<str:project>/exceptions/<uuid:pk>", trust.decide, name="decide-exception"),
    re_path(f"{RULES}$", rules.add, name="add-rule"),
    re_path(rf"{RULES}/(?P<pk>[0-9]{{1,9}})/remove$", rules.remove, name="remove-rule"),
    path("registry/projects/<str:project>/retention", rules.run, name="run-retention"),
    path("registry/readme/<path:reference>", repositories.describe, name="readme"),
    path("registry/delete-repository/<path:reference>", repositories.delete, name="delete-repository"),
    path("registry/tag/<path:reference>", artifacts.set_tag, name="set-tag"),
    path("registry/copy/<path:reference>", artifacts.copy, name="copy"),
    path("registry/untag/<path:reference>", artifacts.remove_tag, name="remove-tag"),
    path("registry/delete-artifact/<path:reference>", artifacts.delete, name="delete-artifact"),
]
