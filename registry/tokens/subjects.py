"""Who signs in at the token service: a person by password or token, a program by its token, a robot, or nobody."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from pks_portal.errors import PortalError
from registry.models import Robot
from registry.tokens.digests import digest_of
from tenants import audit, factors
from tenants.access import Anyone
from tenants.automation import tokens as lasting
from tenants.models import User

ROBOT: Final = "robot-"
SEEN_EVERY: Final = timedelta(minutes=1)


class Unknown(PortalError):
    """Name and password are not right, or not enough."""

    status = HTTPStatus.UNAUTHORIZED
    general = "next.unauthorized"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who it is: a user (of what scope, its token says), a robot, or nobody."""

    user: User | None = None
    robot: Robot | None = None

    @property
    def name(self) -> str:
        """The name in the token, and in whatever is recorded; empty for nobody."""
        if self.robot is not None:
            return self.robot.login
        return self.user.username if self.user else ""

    @property
    def kind(self) -> str:
        if self.robot is not None:
            return "robot"
        return "person" if self.user else "nobody"

    @property
    def key(self) -> str:
        """The row's key, by which the gateway finds who it was."""
        if self.robot is not None:
            return str(self.robot.pk)
        return str(self.user.pk) if self.user else ""

    @property
    def user_or_nobody(self) -> Anyone:
        return self.user or AnonymousUser()


def identify(request: HttpRequest) -> Subject:
    """Return who the request's Basic credentials are of; nobody where there are none. Raises Unknown, Unavailable."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return Subject()
    name, password = _basic(scheme, value)
    if name.startswith(ROBOT):
        return Subject(robot=_robot(name, password))
    if password.startswith("pks_"):
        return Subject(user=_by_token(name, password))
    return Subject(user=_by_password(request, name, password))


def _basic(scheme: str, value: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon or "\0" in text:
        raise Unknown("error.registry_sign_in")
    return name, password


def _robot(login: str, secret: str) -> Robot:
    """Return the robot of a name and secret. Raises Unknown; only who knows the secret learns that it is over."""
    project, _dot, name = login.removeprefix(ROBOT).rpartition(".")
    robot = Robot.objects.select_related("project__tenant").filter(project__name=project, name=name).first()
    if robot is None or not hmac.compare_digest(robot.secret_hash, digest_of(secret)):
        raise Unknown("error.registry_sign_in")
    if not robot.live:
        raise Unknown("error.robot_disabled" if robot.disabled else "error.robot_expired", name=login)
    now = timezone.now()
    if robot.last_used_at is None or now - robot.last_used_at > SEEN_EVERY:
        Robot.objects.filter(pk=robot.pk).update(last_used_at=now)
    return robot


def _by_token(name: str, text: str) -> User:
    try:
        token = lasting.read(text, audit.origin.get().address)
    except lasting.WrongNetwork as error:
        raise Unknown(error.key, **error.facts) from None
    if token is None or token.user.username.lower() != name.lower():
        raise Unknown("error.registry_sign_in")
    return _with_factors(token.user)


def _by_password(request: HttpRequest, name: str, password: str) -> User:
    try:
        user: User = get_adapter(request).authenticate(request, username=name, password=password)
    except ValidationError as error:
        raise Unknown("error.registry_refused", reason=" ".join(error.messages)) from None
    if factors.takes_no_password_alone(user):
        raise Unknown("error.registry_needs_token")
    return user


def _with_factors(user: User) -> User:
    if factors.lacks_second_factor(user):
        raise Unknown("error.registry_second_factor")
    return user
