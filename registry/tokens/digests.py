"""What is kept of a robot's secret."""

import hashlib


def digest_of(secret: str) -> str:
    """Return the digest to keep; the secret is 256 random bits, so a fast one is as good as a slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()
