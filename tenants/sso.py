"""Signing in by an outside OpenID Connect provider, where one is configured (PKS_SSO_…).

An account there is known by (issuer, sub) and by nothing else: addresses and names change hands. It is linked by the
person while signed in here; whoever is not linked gets an account only where PKS_SSO_NEWCOMERS says so.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.openid_connect import views as allauth_views
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from requests import RequestException

from tenants import audit, signin, stepup
from tenants.directory import sources
from tenants.directory.client import Directory
from tenants.directory.transport import DirectoryUnavailable
from tenants.http import UserHttpRequest, needs_cache
from tenants.models import User

log = logging.getLogger(__name__)
GROUP: Final = "oidc:"
"""How a group of the provider is written where a directory group's DN would be (GroupMapping)."""
PROCESSES: Final = {"login", "connect"}


@dataclass(frozen=True, slots=True)
class Provider:
    """The configured provider, and the person's account there if it is linked (`account`, with `label`)."""

    id: str
    name: str
    account: SocialAccount | None = None

    @property
    def label(self) -> str:
        """How the linked account calls itself."""
        facts = _facts(self.account.extra_data) if self.account else {}
        return str(facts.get("email") or facts.get("preferred_username") or facts.get("sub", ""))


def providers(user: User | None = None) -> list[Provider]:
    """Return the configured providers: one or none."""
    if not settings.SSO:
        return []
    linked = SocialAccount.objects.filter(user=user, provider=settings.SSO["id"]).first() if user else None
    return [Provider(settings.SSO["id"], settings.SSO["name"], linked)]


@needs_cache
@require_POST
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to the provider: `process` "login", or "connect" to link; `again` asks for the password there in any case.

    The way leads over a page that leaves at once, since our policy lets no form end at another host.
    """
    if provider_id not in {one.id for one in providers()} or request.POST.get("process") not in PROCESSES:
        raise Http404
    connecting = request.POST["process"] == "connect"
    if connecting and not request.user.is_authenticated:
        raise Http404
    if connecting and not stepup.is_fresh(request):
        return stepup.ask(request)
    asked = QueryDict(mutable=True)
    asked.update({"process": request.POST["process"], "next": get_next_redirect_url(request) or ""})
    if "again" in request.POST:
        asked["auth_params"] = "prompt=login&max_age=0"
    request.GET = asked  # type: ignore[assignment]
    try:
        there = allauth_views.login(request, provider_id).headers["Location"]
    except RequestException as error:
        log.warning("The provider %s does not answer: %s", settings.SSO["issuer"], type(error).__name__)
        _refuse(request, "sso_unavailable", _("%(name)s does not answer.") % {"name": settings.SSO["name"]})
    page = render(request, "socialaccount/leaving.html", {"there": there, "name": settings.SSO["name"]})
    page.headers["Refresh"] = f"0;url={there}"
    return page


@require_POST
@transaction.atomic
def unlink(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Forget the link to an account at the provider; not where it is the only way in."""
    row = get_object_or_404(SocialAccount.objects.select_for_update(), pk=pk, user=request.user)
    if request.user.has_usable_password():
        row.delete()
        audit.record(request.user, "sso.unlink", request.user, issuer=settings.SSO.get("issuer", ""))
    return redirect("mfa_index")


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Lets in whom the provider names, if this portal knows them; everything else is refused with a reason."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Check what the provider said, and the account here. Raises ImmediateHttpResponse with the refusal."""
        said = sociallogin.account.extra_data
        claims = said.get("id_token") or {}
        sociallogin.email_addresses = []
        if claims.get("iss") != settings.SSO["issuer"] or claims.get("sub") != sociallogin.account.uid:
            _refuse(request, "sso_wrong", _("The provider's answer does not fit: it names another issuer or person."))
        if not sociallogin.is_existing:
            return
        if not sociallogin.user.is_active or not _still_there(request, sociallogin.user):
            _refuse(request, "inactive", _("This account is deactivated."))
        _follow_groups(sociallogin.user, said)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        if not settings.SSO["newcomers"]:
            text = _("No account here is linked to it yet. Sign in with your company account, then link it on the page")
            _refuse(request, "sso_unknown", f"{text} “{_('Security')}”.")
        return True

    def save_user(self, request: HttpRequest, sociallogin: Any, form: None = None) -> User:
        """Make a newcomer's account. Raises ImmediateHttpResponse when the name belongs to somebody else."""
        facts = _facts(sociallogin.account.extra_data)
        name = str(facts.get("preferred_username") or facts.get("email") or "").strip().lower()[:150]
        if not name or signin.reserved(name) or User.objects.filter(username__iexact=name).exists():
            _refuse(request, "name_taken", _("The name “%(name)s” belongs to another account here.") % {"name": name})
        with transaction.atomic():
            user = User(username=name, display_name=str(facts.get("name") or "")[:120])
            user.email = str(facts.get("email") or "")[:254]
            user.set_unusable_password()
            sociallogin.user = user
            sociallogin.save(request)
            audit.record(None, "sso.newcomer", user, issuer=settings.SSO["issuer"])
            _follow_groups(user, sociallogin.account.extra_data)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return "/accounts/security/"

    def send_notification_mail(self, template_prefix: str, user: User, **_context: Any) -> None:
        """Record that an account was linked, which is what allauth would send mail about."""
        audit.record(user, "sso.link", user, issuer=settings.SSO["issuer"])

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_why: Any) -> None:
        """Say on our own page that it did not work. Raises ImmediateHttpResponse."""
        _refuse(request, "sso_failed", _("%(name)s did not sign you in.") % {"name": settings.SSO["name"]})


def _facts(said: dict[str, Any]) -> dict[str, Any]:
    """Return what the provider says of the person: its signed word goes before what it tells besides."""
    return (said.get("userinfo") or {}) | (said.get("id_token") or {})


def _still_there(request: HttpRequest, user: User) -> bool:
    """Say whether the directory, for who is in it, still has the person, and enabled. Raises ImmediateHttpResponse."""
    if user.directory_id is None or user.directory_source is None:
        return True
    if (config := sources.config_of(user.directory_source)) is None:
        return False
    try:
        person = Directory(config).find(user.username)
    except DirectoryUnavailable as error:
        _refuse(request, "directory_unavailable", error.detail)
    return person is not None and person.id == user.directory_id and person.enabled


def _follow_groups(user: User, said: dict[str, Any]) -> None:
    """Give newcomers the roles of the provider's groups; people of the directory have theirs from there."""
    groups = _facts(said).get(settings.SSO["groups_claim"])
    if user.directory_id is None and isinstance(groups, list):
        with transaction.atomic():
            signin.apply_roles(user, {f"{GROUP}{group}".lower() for group in groups if isinstance(group, str)})


def _refuse(request: HttpRequest, reason: str, text: str) -> NoReturn:
    audit.record(None, "session.refused", None, login="", reason=reason, by="sso")
    page = render(request, "account/refused.html", {"refused": text}, status=403)
    raise ImmediateHttpResponse(page)
