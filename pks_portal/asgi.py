"""The ASGI application: images to the registry's gateway, HTTP to Django, websockets to the live-progress consumers."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import OriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from pks_portal.boot import refuse_if_incomplete  # noqa: E402
from pks_portal.feed import FeedConsumer  # noqa: E402
from pks_portal.operations.consumers import OperationConsumer  # noqa: E402
from registry.gateway.app import Gateway  # noqa: E402

refuse_if_incomplete()
websocket_urls: list[Any] = [
    path("ws/tasks/<uuid:operation_id>", OperationConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/feed", FeedConsumer.as_asgi()),  # type: ignore[arg-type]
]
application = Gateway(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": OriginValidator(AuthMiddlewareStack(URLRouter(websocket_urls)), settings.WEBSOCKET_ORIGINS),
        }
    )
)
