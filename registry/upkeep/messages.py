"""Texts of upkeep that are stored as keys, and the deeds that the trail keeps."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "task.registry.reconcile": gettext_noop("Compare the portal's rows with the image registry"),
        "kind.registry.reconcile": gettext_noop("Compare rows with the image registry"),
        "step.pushes": gettext_noop("Unfinished pushes"),
        "step.lost": gettext_noop("Look whether every artifact is there"),
        "step.forget": gettext_noop("Take away what is lost"),
        "step.unknown": gettext_noop("Write down what is unknown"),
        "step.usage": gettext_noop("Count what is used"),
        "event.pushes_settled": gettext_noop(
            "Of the pushes that were left unfinished, %(finished)s were finished and %(abandoned)s came to nothing."
        ),
        "event.artifacts_lost": gettext_noop("%(count)s artifacts were lost by the registry; their rows are gone."),
        "event.artifacts_found": gettext_noop("%(count)s artifacts of the registry were unknown and are written down."),
        "error.reconcile_brake": gettext_noop(
            "The registry lacks %(lost)s of %(all)s artifacts. Nothing was taken away: is it the right registry, and "
            "is its storage there?"
        ),
        "error.reconcile_brake.next": gettext_noop(
            "Look at the registry's storage; if they are really lost, ask for it again past the brake."
        ),
        "task.registry.collect": gettext_noop("Free what no image needs any more"),
        "kind.registry.collect": gettext_noop("Garbage collection of the image registry"),
        "step.hold": gettext_noop("Pushes wait"),
        "step.manifests": gettext_noop("Take deleted manifests out of the registry"),
        "step.sweep": gettext_noop("The registry collects"),
        "step.estimate": gettext_noop("See what would go"),
        "event.collected": gettext_noop("%(manifests)s manifests are out of the registry, %(bytes)s bytes are free."),
        "event.collected_unmeasured": gettext_noop(
            "%(manifests)s manifests are out of the registry; how many bytes its storage freed, only it knows."
        ),
        "event.collect_would": gettext_noop("%(manifests)s manifests and %(bytes)s bytes would go."),
        "error.pushes_held": gettext_noop("The registry is freeing space, and takes no pushes for the moment."),
        "error.pushes_held.next": gettext_noop("Push again in a minute; pulling goes on."),
        "error.collect_failed": gettext_noop("The registry's garbage collection ended with an error (%(code)s)."),
        "error.collect_here": gettext_noop(
            "The registry's program or its configuration %(file)s is not on the worker's host."
        ),
        "error.collect_here.next": gettext_noop("Set PKS_REGISTRY_CONFIG there; docs/operate.md says how."),
        "deed.registry.collect": gettext_noop("asked for a garbage collection of the image registry"),
        "task.registry.retain": gettext_noop("Carry out the retention rules of %(name)s"),
        "kind.registry.retain": gettext_noop("Carry out retention rules"),
        "step.retention-decide": gettext_noop("Decide what stays"),
        "step.retention-remove": gettext_noop("Delete what goes"),
        "event.retention_decided": gettext_noop("%(kept)s artifacts stay, %(going)s go."),
        "event.retention_left": gettext_noop("%(name)s was left: %(reason)s"),
        "retention.latest_pushed_k": gettext_noop("one of the %(number)s pushed last (rule %(rule)s)"),
        "retention.latest_pushed_k.one": gettext_noop("the one pushed last (rule %(rule)s)"),
        "retention.latest_pulled_n.one": gettext_noop("the one pulled last (rule %(rule)s)"),
        "retention.latest_pulled_n": gettext_noop("one of the %(number)s pulled last (rule %(rule)s)"),
        "retention.days_since_push": gettext_noop("pushed within %(number)s days (rule %(rule)s)"),
        "retention.days_since_pull": gettext_noop("pulled or pushed within %(number)s days (rule %(rule)s)"),
        "retention.always": gettext_noop("always kept (rule %(rule)s)"),
        "retention.immutable": gettext_noop("the tag %(tag)s is immutable"),
        "retention.no_rule": gettext_noop("no rule speaks of it"),
        "retention.no_rule_for_tag": gettext_noop("no rule speaks of its tag %(tag)s"),
        "retention.belongs": gettext_noop("it belongs to something that stays"),
        "retention.goes": gettext_noop("no rule keeps it"),
        "error.retention_none": gettext_noop("The project has no retention rule that is on, so everything stays."),
        "error.retention_none.next": gettext_noop("Make a rule, then look at it with a dry run."),
        "error.retention_changed": gettext_noop("It was pushed, pulled or tagged meanwhile."),
        "error.rule_there": gettext_noop("There is such a rule already."),
        "error.rule_number": gettext_noop("Choose a number from 1 to %(most)s."),
        "error.rules_many": gettext_noop("A project has at most %(most)s rules of a sort."),
        "deed.registry.retention_run": gettext_noop("had the retention rules of the registry project carried out"),
        "deed.registry.retention_make": gettext_noop("made the retention rule %(rule)s in the registry project"),
        "deed.registry.retention_change": gettext_noop("changed the retention rule %(rule)s in the registry project"),
        "deed.registry.retention_delete": gettext_noop("deleted the retention rule %(rule)s of the registry project"),
        "deed.registry.immutable_make": gettext_noop("made tags immutable in the registry project: %(rule)s"),
        "deed.registry.immutable_change": gettext_noop("changed which tags are immutable: %(rule)s"),
        "deed.registry.immutable_delete": gettext_noop("let tags move again in the registry project: %(rule)s"),
        "task.registry.copy": gettext_noop("Copy to %(name)s"),
        "kind.registry.copy": gettext_noop("Copy an artifact"),
        "step.copy": gettext_noop("Copy, without sending its parts"),
        "error.copy_target": gettext_noop("There is no project for the repository “%(name)s”."),
        "error.copy_target.next": gettext_noop("Write it as PROJECT/NAME, of a project that you can see."),
        "error.copy_large": gettext_noop("More than %(most)s manifests belong to it."),
        "deed.registry.copy": gettext_noop("copied an image"),
        "deed.registry.reconcile": gettext_noop("had rows and the image registry compared"),
        "deed.registry.artifact_lost": gettext_noop("took an artifact's row away, which the registry had lost"),
        "deed.registry.artifact_found": gettext_noop("wrote down an artifact that only the registry knew"),
    }
)

declare("registry.reconcile", "forced", "task")
declare("registry.artifact_lost", "digest", "tags")
declare("registry.artifact_found", "digest", "tag")
declare("registry.collect", "dry_run", "task")
declare("registry.retention_run", "dry_run", "task")
for _sort in ("retention", "immutable"):
    declare(f"registry.{_sort}_make", "rule", "disabled")
    declare(f"registry.{_sort}_change", "rule", "disabled")
    declare(f"registry.{_sort}_delete", "rule")
declare("registry.copy", "digest", "to", "tag", "manifests")
