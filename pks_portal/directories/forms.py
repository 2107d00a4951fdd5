"""Forms for directories."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from pks_portal.errors import PortalError
from tenants.access import tenants_where
from tenants.directory import managing
from tenants.directory.config import SHAPES
from tenants.models import DirectorySource, PlatformRole, Role, Tenant, User, dns_label

RESERVED = {"new", "check", "try", "environment"}


class DirectoryForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for mypy only
    """One directory; what is typed is checked as far as that goes without asking a server."""

    slug = forms.CharField(max_length=40, validators=[dns_label], label=_("Short name"))
    servers = forms.CharField(widget=forms.Textarea, label=_("Servers"))
    bind_password = forms.CharField(
        required=False, max_length=500, strip=False, label=_("Password of the bind account"), widget=forms.PasswordInput
    )

    class Meta:
        model = DirectorySource
        fields: ClassVar = [
            "name", "slug", "kind", "start_tls", "ca_pem", "bind_dn", "user_base", "user_filter", "group_base",
            "group_filter", "domain", "suffixes", "page_size", "connect_timeout", "answer_timeout",
        ]  # fmt: skip
        labels: ClassVar = {
            "name": _("Name"),
            "kind": _("Kind"),
            "start_tls": _("StartTLS on ldap:// servers"),
            "ca_pem": _("Trusted authorities"),
            "bind_dn": _("Bind account"),
            "user_base": _("Base of people"),
            "user_filter": _("Filter of people"),
            "group_base": _("Base of groups"),
            "group_filter": _("Filter of groups"),
            "domain": _("Domain"),
            "suffixes": _("Suffixes"),
            "page_size": _("Page size"),
            "connect_timeout": _("Seconds to connect"),
            "answer_timeout": _("Seconds to answer"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("bind_dn", "user_base", "group_base"):
            self.fields[name].required = True
        if self.instance.created_at:
            del self.fields["slug"]  # accounts of people with a doubled name bear it
            self.initial["servers"] = "\n".join(self.instance.servers.values_list("uri", flat=True))

    @property
    def uris(self) -> list[str]:
        """Return the servers as typed, one a line."""
        text = self.cleaned_data.get("servers", "")
        return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]

    @property
    def usual(self) -> dict[str, str]:
        """Return the filters that are used where none is typed."""
        shape = SHAPES.get(self["kind"].value() or "openldap", SHAPES["openldap"])
        return {"user_filter": shape.user_filter, "group_filter": shape.group_filter}

    def clean_slug(self) -> str:
        """Refuse what is the address of something else."""
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise ValidationError(_("This name is taken."))
        return slug

    def clean_servers(self) -> str:
        """Refuse what no server of a directory can be."""
        text: str = self.cleaned_data["servers"]
        self.cleaned_data["servers"] = text
        try:
            managing.check_servers(self.uris)
        except PortalError as error:
            raise ValidationError(error.detail) from error
        return text

    def clean_ca_pem(self) -> str:
        """Refuse what is no certificate."""
        pem: str = self.cleaned_data["ca_pem"].strip()
        if pem:
            managing.check_authorities(pem)
        return pem

    def clean_bind_dn(self) -> str:
        name: str = self.cleaned_data["bind_dn"].strip()
        managing.check_bind_name(name)
        return name

    def clean_user_base(self) -> str:
        return self._dn("user_base")

    def clean_group_base(self) -> str:
        return self._dn("group_base")

    def clean_user_filter(self) -> str:
        return self._filter("user_filter", login=True)

    def clean_group_filter(self) -> str:
        return self._filter("group_filter", login=False)

    def refuse(self, error: PortalError) -> None:
        """Show a service's refusal at the field that it is about, else above the form."""
        self.add_error(error.field if error.field in self.fields else None, error.detail)

    def _dn(self, name: str) -> str:
        text: str = self.cleaned_data[name].strip()
        managing.check_dn(text)
        return text

    def _filter(self, name: str, *, login: bool) -> str:
        text: str = self.cleaned_data[name].strip()
        if text:
            managing.check_filter(text, login=login)
        return text


class MappingForm(forms.Form):
    """A group and the role that it is to give."""

    group_dn = forms.CharField(max_length=255, label=_("Directory group"))
    tenant = forms.ModelChoiceField(Tenant.objects.none(), to_field_name="slug", required=False, label=_("Tenant"))
    role = forms.ChoiceField(choices=[*Role.choices, *PlatformRole.choices], label=_("Role"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = tenants_where(user, "member.change").filter(archived_at=None)
        self.fields["tenant"].queryset = rows  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a role that does not fit the place."""
        data = super().clean() or {}
        known = Role.values if data.get("tenant") else PlatformRole.values
        if data.get("role") and data["role"] not in known:
            self.add_error("role", _("This role is none of the chosen place."))
        return data
