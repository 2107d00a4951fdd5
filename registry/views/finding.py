"""What a page's address names: a project, a repository of it, or an artifact by tag or digest, as clients write it."""

from dataclasses import dataclass

from django.http import Http404

from registry import browsing
from registry.models import Artifact, Project, Repository
from registry.names import Name, is_digest, is_tag
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Reference:
    """An address taken apart: `name` of a project or repository, `tag` or `digest` of an artifact in it."""

    name: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def read(cls, text: str) -> "Reference":
        """Take an address apart; "payments/web:1", "payments/web@sha256:…", "payments/web", "payments"."""
        name, at, digest = text.partition("@")
        if at:
            return cls(name, digest=digest)
        name, _colon, tag = text.partition(":")
        return cls(name, tag=tag)


def project_of(user: User, name: str) -> Project:
    """Return a project that the person may look into. Raises Http404."""
    if (project := browsing.projects(user).filter(name=name).first()) is None:
        raise Http404
    return project


def repository_of(user: User, name: str) -> Repository:
    """Return a repository by its full name. Raises Http404."""
    parts = Name.read(name)
    rows = browsing.repositories(user)
    found = rows.filter(project__name=parts.project, name=parts.repository).first() if parts else None
    if found is None:
        raise Http404
    return found


def artifact_of(user: User, reference: Reference) -> Artifact:
    """Return an artifact by tag or digest. Raises Http404."""
    parts = Name.read(reference.name)
    if parts is None or not (is_digest(reference.digest) or is_tag(reference.tag)):
        raise Http404
    here = browsing.artifacts(user).filter(repository__project__name=parts.project, repository__name=parts.repository)
    found = here.filter(digest=reference.digest) if reference.digest else here.filter(tags__name=reference.tag)
    if (artifact := found.first()) is None:
        raise Http404
    return artifact
