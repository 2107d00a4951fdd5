"""By what the registry's lists may be narrowed."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from pks_portal.pages import AnyOf, YesNo
from registry.browsing import labelled
from registry.models import Artifact, Repository


class ProjectFilters(filters.FilterSet):  # type: ignore[misc]
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")
    name = filters.CharFilter()
    public = YesNo()


class RepositoryFilters(filters.FilterSet):  # type: ignore[misc]
    tenant = filters.CharFilter("project__tenant__slug", help_text="A tenant's slug.")
    project = filters.CharFilter("project__name", help_text="A project's name.")
    name = filters.CharFilter(method="named", help_text="The full name: payments/web.")
    q = filters.CharFilter("name", lookup_expr="icontains", help_text="A part of the name.")

    def named(self, rows: "QuerySet[Repository]", name: str, full: str) -> "QuerySet[Repository]":
        """Keep the repository of a full name."""
        project, _slash, rest = full.partition("/")
        return rows.filter(project__name=project, name=rest)


class ArtifactFilters(filters.FilterSet):  # type: ignore[misc]
    repository = filters.CharFilter(method="inside", help_text="The repository's full name: payments/web.")
    project = filters.CharFilter("repository__project__name", help_text="A project's name.")
    tenant = filters.CharFilter("repository__project__tenant__slug", help_text="A tenant's slug.")
    digest = filters.CharFilter()
    tag = filters.CharFilter("tags__name")
    label = filters.CharFilter(method="with_label", help_text="The name of a label, a project's or the platform's.")
    subject = filters.CharFilter(help_text="The digest of the artifact that it is about.")
    kind = AnyOf(choices=Artifact.Kind.choices)
    scan_state = AnyOf(choices=Artifact.ScanState.choices)
    listed = YesNo(help_text="Not: only under its index or subject.")

    def with_label(self, rows: "QuerySet[Artifact]", name: str, label: str) -> "QuerySet[Artifact]":
        """Keep the artifacts that have a label."""
        return rows.filter(pk__in=labelled(label))

    def inside(self, rows: "QuerySet[Artifact]", name: str, full: str) -> "QuerySet[Artifact]":
        """Keep the artifacts of a repository."""
        project, _slash, rest = full.partition("/")
        return rows.filter(repository__project__name=project, repository__name=rest)
