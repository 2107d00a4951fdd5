"""Texts of clusters that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "task.cluster.create": gettext_noop("Create cluster %(name)s"),
        "task.cluster.scale": gettext_noop("Scale cluster %(name)s to %(nodes)s nodes"),
        "task.cluster.scale.one": gettext_noop("Scale cluster %(name)s to 1 node"),
        "task.cluster.delete": gettext_noop("Delete cluster %(name)s"),
        "task.kubernetes.prepare": gettext_noop("Prepare Kubernetes %(name)s"),
        "task.pool.fill": gettext_noop("Make a spare control plane of Kubernetes %(name)s"),
        "task.pool.drain": gettext_noop("Remove a spare control plane of Kubernetes %(name)s"),
        "event.claimed_spare": gettext_noop("Took over a control plane from the warm pool."),
        "event.scale_back": gettext_noop("The change was cancelled; going back to %(nodes)s nodes."),
        "event.scale_back.one": gettext_noop("The change was cancelled; going back to 1 node."),
        "event.node_ready": gettext_noop("Node %(node)s is ready."),
        "event.node_not_ready": gettext_noop("Node %(node)s is not ready."),
        "event.node_gone": gettext_noop("Node %(node)s is gone."),
        "error.same_size": gettext_noop("%(name)s has %(nodes)s nodes already."),
        "error.same_size.one": gettext_noop("%(name)s has 1 node already."),
        "error.nodes_bounds": gettext_noop("Plan %(plan)s allows %(least)s to %(most)s nodes, not %(nodes)s."),
        "error.labels_many": gettext_noop("A cluster has at most %(most)s labels."),
        "error.label_wrong": gettext_noop(
            "The label “%(label)s” is not right: key and value have at most 63 characters, without comma and “=”."
        ),
        "error.dry_run_nodes": gettext_noop("Only a change of the number of nodes has a preview."),
        "error.plan_unknown": gettext_noop("There is no plan “%(plan)s”; offered: %(offered)s."),
        "error.version_unknown": gettext_noop("Kubernetes %(version)s is not offered; offered: %(offered)s."),
        "error.cloud_unknown": gettext_noop("There is no cloud “%(cloud)s” that may be used; offered: %(offered)s."),
        "error.cluster_unknown": gettext_noop("There is no cluster “%(name)s” that you can see."),
        "error.cluster_ambiguous": gettext_noop("More than one tenant has a cluster “%(name)s”: %(candidates)s."),
        "error.cluster_ambiguous.next": gettext_noop("Name the tenant too."),
        "error.kubeconfig_level": gettext_noop("There is no level “%(level)s”; there are view, edit and admin."),
        "error.kubeconfig_hours": gettext_noop("A kubeconfig is valid for 1 to %(most)s hours, not %(hours)s."),
        "error.version_ready_or_busy": gettext_noop("Kubernetes %(version)s is ready or being prepared already."),
        "error.subject_gone": gettext_noop("%(name)s is gone."),
        "error.host_silent": gettext_noop("No worker on the cluster's host answers (queue %(queue)s)."),
        "error.no_api_yet": gettext_noop("%(name)s has no API to connect to now."),
        "error.no_api_yet.next": gettext_noop("Wait until the cluster runs."),
        "deed.cluster.create": gettext_noop("asked for the cluster"),
        "deed.cluster.scale": gettext_noop("scaled the cluster"),
        "deed.cluster.delete": gettext_noop("asked to delete the cluster"),
        "deed.cluster.label": gettext_noop("changed the labels of the cluster"),
        "deed.cluster.restarted": gettext_noop("saw parts of the cluster restart"),
        "deed.kubeconfig.issue": gettext_noop("got a kubeconfig of the cluster"),
        "deed.kubeconfig.revoke": gettext_noop("revoked a kubeconfig of the cluster"),
        "kind.cluster.create": gettext_noop("Create cluster"),
        "kind.cluster.scale": gettext_noop("Scale cluster"),
        "kind.cluster.delete": gettext_noop("Delete cluster"),
        "kind.kubernetes.prepare": gettext_noop("Prepare Kubernetes"),
        "kind.pool.fill": gettext_noop("Fill the warm pool"),
        "kind.pool.drain": gettext_noop("Drain the warm pool"),
    }
)
