"""The registry's rows, by subject."""

from registry.models.artifacts import Artifact, ArtifactBlob, ArtifactChild, Blob, Push, Repository, Tag, TagChange
from registry.models.labels import ArtifactLabel, Label
from registry.models.projects import ImmutableRule, Project, ProjectMember, Robot
from registry.models.scanning import Advisory, AdvisoryFeed, AttachedSbom, Finding, Sbom, Scan, Vulnerability
from registry.models.trust import CveException, TrustedKey
from registry.models.upkeep import Collection, PullTally, PushHold, Removed, RetentionRule, RetentionRun, StorageWarning

__all__ = [
    "Advisory",
    "AdvisoryFeed",
    "Artifact",
    "ArtifactBlob",
    "ArtifactChild",
    "ArtifactLabel",
    "AttachedSbom",
    "Blob",
    "Collection",
    "CveException",
    "Finding",
    "ImmutableRule",
    "Label",
    "Project",
    "ProjectMember",
    "PullTally",
    "Push",
    "PushHold",
    "Removed",
    "Repository",
    "RetentionRule",
    "RetentionRun",
    "Robot",
    "Sbom",
    "Scan",
    "StorageWarning",
    "Tag",
    "TagChange",
    "TrustedKey",
    "Vulnerability",
]
