"""What the registry's tests use: a real registry, images, and pushes as the gateway makes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.models import Project
from tests.factories import TenantFactory
from tests.registry.images import Layout
from tests.registry.pushing import Pusher
from tests.registry.store import Server, serving


@pytest.fixture
def server(scratch: Path, settings: Any) -> Iterator[Server]:
    """Return a running registry that the portal uses."""
    with serving(scratch) as running:
        settings.REGISTRY_URL = running.url
        settings.REGISTRY_CONFIG = str(running.config)
        yield running


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def project(db: None) -> Project:
    tenant = TenantFactory.create(slug="shop")
    return Project.objects.create(tenant=tenant, name="shop")


@pytest.fixture
def pusher(server: Server, layout: Layout, project: Project) -> Pusher:
    return Pusher(server, layout, project)
