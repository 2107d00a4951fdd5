"""Requests whose user is known to have signed in, and views that cannot work without the cache."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError
from rest_framework.request import Request

from pks_portal.errors import Unavailable
from tenants.models import User

View = Callable[..., HttpResponse]


class UserHttpRequest(HttpRequest):
    """What a login_required view receives."""

    user: User


class UserRequest(Request):
    """What an API view receives, since the API lets nobody in without signing in."""

    user: User


def needs_cache(view: View) -> View:
    """Make a view answer 503 while Redis, which counts failed sign-ins, is away: unlimited guessing would be worse."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except RedisError as error:
            raise Unavailable("error.sign_in_unavailable", system="redis", cause=type(error).__name__) from error

    return guarded
