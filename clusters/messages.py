"""Texts of clusters that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "task.cluster.create": gettext_noop("Create cluster %(name)s"),
        "task.cluster.scale": gettext_noop("Scale cluster %(name)s to %(nodes)s nodes"),
        "task.cluster.scale.one": gettext_noop("Scale cluster %(name)s to 1 node"),
        "task.cluster.delete": gettext_noop("Delete cluster %(name)s"),
        "task.cluster.trust": gettext_noop("Have cluster %(name)s trust the portal's sign-in"),
        "step.trust": gettext_noop("Trust and rights"),
        "step.verify-trust": gettext_noop("The API believes the portal"),
        "deed.kubeconfig.withdraw": gettext_noop("withdrew a kubeconfig whose holder may not have it any more"),
        "error.kubeconfig_kind": gettext_noop("There is no kind of kubeconfig “%(kind)s”; choose certificate or exec."),
        "error.kubeconfig_gone": gettext_noop("This kubeconfig was revoked or is over."),
        "error.kubeconfig_gone.next": gettext_noop("Get a new one: pks get-credentials, or the cluster's page."),
        "error.no_issuer": gettext_noop("The cluster does not know the portal's sign-in."),
        "error.no_issuer.next": gettext_noop("Take a kubeconfig with a client certificate."),
        "task.kubernetes.prepare": gettext_noop("Prepare Kubernetes %(name)s"),
        "task.pool.fill": gettext_noop("Make a spare control plane of Kubernetes %(name)s"),
        "task.pool.drain": gettext_noop("Remove a spare control plane of Kubernetes %(name)s"),
        "event.claimed_spare": gettext_noop("Took over a control plane from the warm pool."),
        "event.scale_back": gettext_noop("The change was cancelled; going back to %(nodes)s nodes."),
        "event.scale_back.one": gettext_noop("The change was cancelled; going back to 1 node."),
        "event.node_ready": gettext_noop("Node %(node)s is ready."),
        "event.node_not_ready": gettext_noop("Node %(node)s is not ready."),
        "event.node_gone": gettext_noop("Node %(node)s is gone."),
        "held.lapsed": gettext_noop("The cluster is to be deleted, so this is no longer wanted."),
        "held.rejected": gettext_noop("The quota request was rejected by %(by)s: %(comment)s"),
        "held.withdrawn": gettext_noop("The quota request was withdrawn by %(by)s."),
        "held.lapsed_request": gettext_noop("The quota request lapsed."),
        "held.short": gettext_noop("Approved, but there is not enough quota yet. %(reason)s"),
        "held.busy": gettext_noop("Approved; it begins when the other task on %(name)s has ended."),
        "held.later": gettext_noop("Approved, but it cannot begin now. %(reason)s"),
        "held.started": gettext_noop("Approved by %(by)s: it begins."),
        "held.cut": gettext_noop("Less was granted than asked for: %(nodes)s nodes instead of %(asked)s."),
        "held.cut.one": gettext_noop("Less was granted than asked for: 1 node instead of %(asked)s."),
        "error.request_rejected": gettext_noop("The quota request was rejected by %(by)s: %(comment)s"),
        "error.grant_ended": gettext_noop("What was granted is over, and it never fitted. %(reason)s"),
        "error.wish_invalid": gettext_noop("It cannot be made any more: %(reason)s"),
        "error.within_quota": gettext_noop("It fits the quota: no request is needed."),
        "error.within_quota.next": gettext_noop("Send it again without asking for quota."),
        "error.least_nodes": gettext_noop("Accept at least %(least)s and at most %(most)s nodes."),
        "notice.wish.failed": gettext_noop("What was approved could not begin: %(what)s. %(reason)s"),
        "notice_kind.wish.failed": gettext_noop("Approved wish could not begin"),
        "capacity.memory": gettext_noop("Memory of the host of %(cloud)s (GiB)"),
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
        "error.kubeconfig_hours_admin": gettext_noop(
            "A client certificate that may administer is valid for 1 to %(most)s hours, not %(hours)s."
        ),
        "error.kubeconfig_clusters": gettext_noop("Choose 1 to %(most)s clusters, not %(number)s."),
        "error.kubeconfigs_chosen": gettext_noop("Say whose: exactly one of mine, cluster and holder."),
        "error.holder_unknown": gettext_noop("Nobody called “%(holder)s” holds a kubeconfig that you can see."),
        "level.view": gettext_noop("View"),
        "level.edit": gettext_noop("Edit"),
        "level.admin": gettext_noop("Administer"),
        "notice.account.kubeconfig_expiring": gettext_noop(
            "Your kubeconfig for cluster %(name)s (%(level)s) ends at %(until)s."
        ),
        "notice_kind.account.kubeconfig_expiring": gettext_noop("A kubeconfig of one's own ends soon"),
        "error.kubeconfig_hours": gettext_noop("A kubeconfig is valid for 1 to %(most)s hours, not %(hours)s."),
        "error.version_ready_or_busy": gettext_noop("Kubernetes %(version)s is ready or being prepared already."),
        "error.subject_gone": gettext_noop("%(name)s is gone."),
        "error.host_silent": gettext_noop("No worker on the cluster's host answers (queue %(queue)s)."),
        "error.no_api_yet": gettext_noop("%(name)s has no API to connect to now."),
        "error.no_api_yet.next": gettext_noop("Wait until the cluster runs."),
        "deed.version.prepare": gettext_noop("asked for the programs of Kubernetes"),
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
        "kind.cluster.trust": gettext_noop("Trust the portal's sign-in"),
        "kind.kubernetes.prepare": gettext_noop("Prepare Kubernetes"),
        "kind.pool.fill": gettext_noop("Fill the warm pool"),
        "kind.pool.drain": gettext_noop("Drain the warm pool"),
    }
)

declare("cluster.create", "plan", "nodes", "version", "cloud", "retry_of", "task")
declare("cluster.scale", "nodes", "before", "retry_of", "task")
declare("cluster.delete", "task")
declare("cluster.label", "labels")
declare("cluster.restarted", "parts")
declare("kubeconfig.issue", "credential", "kind", "level", "expires")
declare("kubeconfig.withdraw", "credential", "holder")
declare("kubeconfig.revoke", "credential")
declare("version.prepare", "task")
