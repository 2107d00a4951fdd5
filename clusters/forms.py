"""Forms for clusters."""

import re
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clusters.engines.local import binaries
from clusters.models import Cloud, Cluster, Plan
from clusters.wishes import HOSTNAME_LENGTH, NewCluster, check_labels, hostname
from pks_portal.errors import PortalError
from tenants.access import tenants_where
from tenants.models import Tenant, User, dns_label

PARTS = re.compile(r"[\s,]+")


class LabelsField(forms.CharField):
    """Labels as people write them: key=value, separated by commas, blanks or lines."""

    def to_python(self, value: Any) -> Any:
        """Return the labels as a dictionary; raise ValidationError for what is not key=value or not allowed."""
        labels = {}
        for part in filter(None, PARTS.split(value or "")):
            key, sign, text = part.partition("=")
            if not sign:
                raise ValidationError(_("“%(part)s” is not key=value."), params={"part": part})
            if key in labels:
                raise ValidationError(_("The label “%(key)s” is given twice."), params={"key": key})
            labels[key] = text
        try:
            check_labels(labels)
        except PortalError as error:
            raise ValidationError(error.detail) from error
        return labels

    def prepare_value(self, value: Any) -> Any:
        """Return a dictionary as it is written."""
        return labels_text(value) if isinstance(value, dict) else value


class NewClusterForm(forms.Form):
    """Ask for a cluster, in a tenant where the person may create one."""

    tenant = forms.ModelChoiceField(Tenant.objects.none(), to_field_name="slug", label=_("Tenant"))
    name = forms.CharField(max_length=63, validators=[dns_label], label=_("Name"))
    plan = forms.ModelChoiceField(Plan.objects.none(), to_field_name="slug", label=_("Plan"))
    nodes = forms.IntegerField(label=_("Worker nodes"))  # the plan has the bounds
    version = forms.ChoiceField(label=_("Kubernetes version"))
    cloud = forms.ModelChoiceField(Cloud.objects.none(), to_field_name="slug", label=_("Cloud"))
    labels = LabelsField(required=False, label=_("Labels"))
    external_hostname = forms.CharField(
        required=False, max_length=HOSTNAME_LENGTH, validators=[hostname], label=_("External hostname")
    )
    key = forms.CharField(max_length=80, required=False)

    def __init__(self, *args: Any, user: User, tenant: str | None = None, **kwargs: Any) -> None:
        tenants, plans = tenants_where(user, "cluster.create"), Plan.objects.filter(offered=True)
        clouds = Cloud.objects.filter(enabled=True)
        plan = plans.first()
        initial = {
            "tenant": tenants.filter(slug=tenant).first() or tenants.first(),
            "plan": plan.slug if plan else None,
            "nodes": max(plan.min_nodes, min(3, plan.max_nodes)) if plan else 3,
            "version": binaries.default(),
            "cloud": clouds.first(),
            "key": str(uuid4()),
        }
        kwargs["initial"] = initial | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        for name, rows in {"tenant": tenants, "plan": plans, "cloud": clouds}.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        self.fields["version"].choices = [(v, v) for v in binaries.offered()]  # type: ignore[attr-defined]

    def wish(self, *, name: str | None = None) -> NewCluster:
        """Return the valid input in the service's terms; `name` stands in where none is typed yet."""
        data = self.cleaned_data
        return NewCluster(
            name=name or data["name"],
            plan=data["plan"],
            nodes=data["nodes"],
            version=data["version"],
            cloud=data["cloud"],
            external_hostname=data.get("external_hostname", ""),
            labels=data.get("labels") or {},
        )

    def body(self) -> dict[str, Any]:
        """Return the request body of the API that asks for the same."""
        data = self.cleaned_data
        optional = {name: data[name] for name in ("external_hostname", "labels") if data.get(name)}
        return {
            "tenant": data["tenant"].slug,
            "name": data.get("name") or "NAME",
            "plan": data["plan"].slug,
            "nodes": data["nodes"],
            "version": data["version"],
            "cloud": data["cloud"].slug,
            **optional,
        }

    def refuse(self, error: PortalError | ValidationError) -> None:
        """Show a service's refusal at the field that it is about, else above the form."""
        if isinstance(error, PortalError):
            self.add_error(error.field if error.field in self.fields else None, error.detail)
            return
        for name, texts in _by_field(error).items():
            self.add_error(name if name in self.fields else "name", texts)


def _by_field(error: ValidationError) -> dict[str, Any]:
    """Return a model's complaints by field; that a name is taken is about the name."""
    return dict(error.error_dict) if hasattr(error, "error_dict") else {"name": error.error_list}


def name_error(tenant: Tenant | None, name: str) -> str:
    """Return why a cluster of the tenant may not have a name, in the active language; empty when it may."""
    try:
        forms.CharField(max_length=63, validators=[dns_label]).clean(name)
    except ValidationError as error:
        return " ".join(error.messages)
    if tenant is not None and Cluster.objects.filter(tenant=tenant, name=name).exists():
        return str(_("The tenant has a cluster of this name already."))
    return ""


def labels_text(labels: dict[str, str]) -> str:
    """Return labels as people write them."""
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
