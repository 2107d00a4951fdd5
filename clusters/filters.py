"""By what a list of clusters may be narrowed."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from clusters import wallet
from clusters.models import Cluster, Kubeconfig
from pks_portal.pages import AnyOf


class ClusterFilters(filters.FilterSet):  # type: ignore[misc]
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")
    name = filters.CharFilter()
    status = AnyOf(choices=Cluster.Status.choices)
    label = filters.CharFilter(method="labelled", help_text="key=value, or key.")

    def labelled(self, rows: "QuerySet[Cluster]", name: str, label: str) -> "QuerySet[Cluster]":
        """Keep what has the label; any value will do when none is given."""
        key, sign, value = label.partition("=")
        labels = rows.values_list("pk", "labels")
        return rows.filter(pk__in={pk for pk, has in labels if key in has and (not sign or has[key] == value)})


class KubeconfigFilters(filters.FilterSet):  # type: ignore[misc]
    tenant = filters.CharFilter("cluster__tenant__slug", help_text="A tenant's slug.")
    cluster = filters.UUIDFilter("cluster")
    holder = filters.CharFilter("holder__username", help_text="A user's name.")
    kind = AnyOf(choices=Kubeconfig.Kind.choices)
    level = AnyOf(choices=Kubeconfig.Level.choices)
    state = filters.ChoiceFilter(choices=[(state, state) for state in wallet.STATES], method="in_state")

    def in_state(self, rows: "QuerySet[Kubeconfig]", name: str, state: str) -> "QuerySet[Kubeconfig]":
        """Keep what is valid, expired or revoked now."""
        return rows.filter(wallet.in_state(state))
