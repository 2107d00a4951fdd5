"""Small helpers of the tests."""

from rest_framework.test import APIClient

from tenants.models import User


def client_of(user: User | None) -> APIClient:
    """Return an API client of a person, or of a stranger."""
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    return client
