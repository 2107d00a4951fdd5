"""What accompanies an image is exempt from what images must obey; so what passes for it must be nothing that runs.

Media types are what the pusher says. Some engines unpack a layer by its content, whatever it is called
(containers/image does), so an image whose layers are called attestations would leave unsigned. What is really about
an image is text.
"""

import io
import re
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from registry.manifests import Manifest, Part
from registry.models import Artifact
from registry.trust.kinds import ACCESSORIES, RUNNABLE

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of the largest attestation or SBOM that is believed to be one."""
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f]")


def doubtful(manifest: Manifest) -> Sequence[Part]:
    """Return the layers whose content tells whether it is what it says; none where nothing could run it."""
    runnable = manifest.config is not None and manifest.config.media_type in RUNNABLE
    return manifest.layers if runnable and manifest.kind in ACCESSORIES else ()


def unmasked(manifest: Manifest, contents: Sequence[bytes | None]) -> Manifest:
    """Return the manifest, as an image where one of these contents (None: not there, or too large) is no text."""
    if all(one is not None and is_text(one) for one in contents):
        return manifest
    return replace(manifest, kind=Artifact.Kind.IMAGE.value)


def is_text(content: bytes) -> bool:
    """Say whether some content is text and no archive."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text) and not tarfile.is_tarfile(io.BytesIO(content))
