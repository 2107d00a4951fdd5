"""Small helpers of the tests."""

from rest_framework.test import APIClient

from tenants.models import User

PROGRAM = "a program's token"
"""Who comes with a token is no session of a page, and is not asked to step up."""


def client_of(user: User | None) -> APIClient:
    """Return an API client of a person, or of a stranger."""
    client = APIClient()
    if user is not None:
        client.force_authenticate(user, token=PROGRAM)  # type: ignore[arg-type]  # anything but None
    return client
