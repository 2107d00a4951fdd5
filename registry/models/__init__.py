"""The registry's rows, by subject."""

from registry.models.artifacts import Artifact, ArtifactBlob, ArtifactChild, Blob, Push, Repository, Tag, TagChange
from registry.models.projects import ImmutableRule, Project, ProjectMember, Robot
from registry.models.scanning import Advisory, AdvisoryFeed, Finding, Sbom, Scan, Vulnerability
from registry.models.trust import CveException, TrustedKey

__all__ = [
    "Advisory",
    "AdvisoryFeed",
    "Artifact",
    "ArtifactBlob",
    "ArtifactChild",
    "Blob",
    "CveException",
    "Finding",
    "ImmutableRule",
    "Project",
    "ProjectMember",
    "Push",
    "Repository",
    "Robot",
    "Sbom",
    "Scan",
    "Tag",
    "TagChange",
    "TrustedKey",
    "Vulnerability",
]
