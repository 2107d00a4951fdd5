"""What follows once an artifact has its rows, whoever brought it: a scan, a look at its signatures and at its SBOMs."""

from registry import attached, recording
from registry.models import Artifact, Push
from registry.scanning import scans
from registry.trust import verifying


def pushed(artifact: Artifact, push: Push) -> None:
    """A push has ended well: the trail keeps it, and what follows begins."""
    recording.told(artifact, push)
    arrived(artifact)


def arrived(artifact: Artifact) -> None:
    """There is an artifact that was not there before."""
    scans.pushed(artifact)
    verifying.pushed(artifact)
    attached.soon(artifact)
