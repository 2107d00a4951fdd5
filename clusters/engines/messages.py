"""Texts of the engines: the steps of a task, the parts of a cluster, and what stands in the way."""

from django.utils.translation.trans_null import gettext_noop  # the other one needs settings, which the keeper lacks

from pks_portal.messages import add

STEPS = {
    "step.binaries": gettext_noop("Kubernetes programs"),
    "step.host": gettext_noop("Place on the host"),
    "step.certificates": gettext_noop("Certificates"),
    "step.control-plane": gettext_noop("Control plane"),
    "step.nodes": gettext_noop("Nodes"),
    "step.ready": gettext_noop("Ready for use"),
    "step.add": gettext_noop("Add nodes"),
    "step.cordon": gettext_noop("Cordon nodes"),
    "step.drain": gettext_noop("Move pods away"),
    "step.remove": gettext_noop("Remove nodes"),
    "step.processes": gettext_noop("End processes"),
    "step.network": gettext_noop("Free addresses"),
    "step.data": gettext_noop("Delete data"),
    "step.verify": gettext_noop("Check that nothing is left"),
}
CONDITIONS = {
    "condition.etcd": gettext_noop("Store (etcd)"),
    "condition.apiserver": gettext_noop("API server"),
    "condition.controller-manager": gettext_noop("Controller manager"),
    "condition.scheduler": gettext_noop("Scheduler"),
    "condition.simulation": gettext_noop("Simulation engine (kwok)"),
    "condition.front-door": gettext_noop("Front door"),
    "condition.disk": gettext_noop("Disk space"),
}
SEEN = {
    "engine.part_up": gettext_noop("%(component)s answers."),
    "engine.part_down": gettext_noop("%(component)s does not answer (%(cause)s)."),
    "engine.part_unseen": gettext_noop("%(component)s cannot be seen: the front door is closed."),
    "engine.door_open": gettext_noop("The API is offered at %(endpoint)s."),
    "engine.door_closed": gettext_noop("Nothing answers at %(endpoint)s."),
    "engine.disk_room": gettext_noop("There is room on the host's disk."),
    "engine.disk_low": gettext_noop("Only %(free_mib)s MiB are free on the host's disk."),
    "engine.held_back": gettext_noop(
        "These pods may not be evicted now: %(pods)s. PodDisruptionBudget in the way: %(budgets)s."
    ),
    "engine.nodes_simulated": gettext_noop(
        "Nodes are simulated (kwok): the API, scheduling and draining are real, containers do not run."
    ),
    "engine.not_root": gettext_noop(
        "Without root, control planes share the host's network: what runs in a cluster can reach this machine's "
        "loopback addresses."
    ),
    "engine.no_namespaces": gettext_noop(
        "This machine allows no network namespaces: what runs in a cluster can reach its loopback addresses."
    ),
    "engine.left_process": gettext_noop("Process %(pid)s (%(name)s) has not ended yet."),
    "engine.left_port": gettext_noop("%(address)s:%(port)s is still in use."),
    "engine.left_path": gettext_noop("%(path)s is still there."),
    "engine.left_busy": gettext_noop("Another worker is still at this cluster."),
}
REFUSED = {
    "engine.no_memory": gettext_noop(
        "A control plane needs %(needed_gib)s GiB of memory; this host has %(free_gib)s GiB left."
    ),
    "engine.no_memory.next": gettext_noop("Delete a cluster that is not needed, or use another cloud."),
    "engine.disk_full": gettext_noop(
        "The disk has no room at %(path)s: %(free_mib)s MiB are free, a cluster needs %(needed_mib)s MiB."
    ),
    "engine.disk_full.next": gettext_noop("Free some space there, then try again."),
    "engine.port_taken": gettext_noop(
        "No address is left for a cluster's API: port %(port)s is taken on all of %(address)s that was tried."
    ),
    "engine.port_taken.next": gettext_noop("Find the program that listens on this port on every address, and end it."),
    "engine.place_taken": gettext_noop("The address %(address)s of “%(name)s” now belongs to another cluster."),
    "engine.place_taken.next": gettext_noop("Remove one of the two clusters; their checkouts share this host."),
    "engine.control_plane": gettext_noop("This cloud makes control planes of one member, not of %(count)s."),
    "engine.other_version": gettext_noop("The cluster runs Kubernetes %(running)s; it cannot become %(wanted)s here."),
    "engine.unknown_level": gettext_noop("There is no level “%(level)s”; choose one of %(offered)s."),
    "engine.removing": gettext_noop("The cluster “%(name)s” is being deleted."),
    "engine.issuer_elsewhere": gettext_noop(
        "Clusters on this machine reach the issuer on its loopback only, not at %(issuer)s."
    ),
    "engine.not_made": gettext_noop("The cluster “%(name)s” is not made yet."),
    "engine.tool_missing": gettext_noop("The program %(tool)s is not installed on this machine."),
    "engine.tool_missing.next": gettext_noop("Run “make run” as root, or install it."),
    "engine.host_refused": gettext_noop("This machine refuses access to %(path)s."),
    "engine.not_private": gettext_noop("The directory %(path)s is not this portal's alone; it must not be used."),
    "engine.not_private.next": gettext_noop("Remove it; it is made anew with the right owner and mode (0700)."),
    "engine.network_refused": gettext_noop("This machine refuses to make a cluster's network."),
    "engine.supervisor": gettext_noop("The clusters' supervisor does not answer."),
    "engine.supervisor.next": gettext_noop("It is started again by itself; “make status” shows it."),
    "engine.api_silent": gettext_noop("The cluster's API at %(endpoint)s does not answer."),
    "engine.api_refused": gettext_noop("The cluster's API refused a request (status %(status)s)."),
}

add({**STEPS, **CONDITIONS, **SEEN, **REFUSED})
