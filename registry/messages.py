"""Texts of the registry that are stored as keys (see pks_portal/messages.py), and the deeds that the trail keeps."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "notice.image.pushed": gettext_noop("%(by)s pushed %(image)s (%(digest)s)."),
        "notice.image.deleted": gettext_noop("%(by)s deleted %(image)s (%(digest)s)."),
        "notice.image.untagged": gettext_noop("%(by)s deleted the tag %(tag)s of %(image)s."),
        "notice.image.scanned": gettext_noop(
            "%(image)s (%(digest)s) was scanned: %(critical)s critical, %(high)s high, %(medium)s medium, %(low)s low."
        ),
        "notice.image.scan_failed": gettext_noop("%(image)s (%(digest)s) could not be scanned: %(reason)s"),
        "notice.exception.asked": gettext_noop(
            "%(by)s asks for an exception of %(vulnerability)s in %(image_project)s: %(reason)s"
        ),
        "notice.exception.approved": gettext_noop(
            "%(by)s approved the exception of %(vulnerability)s in %(image_project)s until %(until)s. %(comment)s"
        ),
        "notice.exception.rejected": gettext_noop(
            "%(by)s rejected the exception of %(vulnerability)s in %(image_project)s. %(comment)s"
        ),
        "notice.exception.ending": gettext_noop(
            "The exception of %(vulnerability)s in %(image_project)s ends on %(until)s. "
            "If it is still needed, ask anew."
        ),
        "notice.exception.ended": gettext_noop(
            "The exception of %(vulnerability)s in %(image_project)s ended on %(until)s: "
            "images with it may be held back."
        ),
        "notice.robot.ending": gettext_noop(
            "The secret of %(robot)s ends on %(until)s. Give the robot a new one, or what uses it stops working."
        ),
        "notice.registry.nearly_full": gettext_noop(
            "Images take %(used)s of %(limit)s GiB (%(percent)s %%). When it is full, pushes are refused."
        ),
        "notice.image.repository_deleted": gettext_noop("%(by)s deleted %(image)s with %(artifacts)s artifacts."),
        "notice_kind.exception.ending": gettext_noop("CVE exception ends soon"),
        "notice_kind.exception.ended": gettext_noop("CVE exception has ended"),
        "notice_kind.robot.ending": gettext_noop("Robot's secret ends soon"),
        "notice_kind.registry.nearly_full": gettext_noop("Image storage nearly full"),
        "notice_kind.image.repository_deleted": gettext_noop("Repository deleted"),
        "holding.image_project": gettext_noop("Image project"),
        "holding.robot": gettext_noop("Robot"),
        "holding.trusted_key": gettext_noop("Trusted key"),
        "holding.exception": gettext_noop("CVE exception"),
        "holding.project_role": gettext_noop("Role in an image project"),
        "notice_kind.image.pushed": gettext_noop("Image pushed"),
        "notice_kind.image.deleted": gettext_noop("Image deleted"),
        "notice_kind.image.untagged": gettext_noop("Tag deleted"),
        "notice_kind.image.scanned": gettext_noop("Image scanned"),
        "notice_kind.image.scan_failed": gettext_noop("Image could not be scanned"),
        "notice_kind.exception.asked": gettext_noop("CVE exception asked for"),
        "notice_kind.exception.approved": gettext_noop("CVE exception approved"),
        "notice_kind.exception.rejected": gettext_noop("CVE exception rejected"),
        "error.image_immutable": gettext_noop("The tag %(name)s:%(tag)s is immutable: it stays what it is."),
        "error.image_immutable.next": gettext_noop("Push under another tag."),
        "error.manifest_invalid": gettext_noop("This is no manifest that can be kept: %(reason)s."),
        "error.manifest_invalid.next": gettext_noop("Push an OCI or Docker image, an index or an artifact."),
        "error.manifest_large": gettext_noop("A manifest has at most %(most)s bytes."),
        "error.manifest_blob": gettext_noop("A part that the manifest names is not there: %(digest)s."),
        "error.manifest_blob.next": gettext_noop("Push its layers first."),
        "error.sign_forbidden": gettext_noop("Your role may push images, but not signatures."),
        "error.sign_forbidden.next": gettext_noop("Ask an operator of the project to sign it."),
        "error.registry_silent": gettext_noop("The image registry does not answer."),
        "error.registry_silent.next": gettext_noop("Try again in a moment; a platform administrator sees its log."),
        "error.project_name_taken": gettext_noop("There is a project “%(name)s” already."),
        "error.project_not_empty": gettext_noop("The project has %(count)s repositories."),
        "error.project_not_empty.next": gettext_noop("Delete its repositories first."),
        "error.project_default": gettext_noop("The project with the tenant's own name stays as long as the tenant."),
        "error.artifact_in_index": gettext_noop("The image belongs to the index %(index)s."),
        "error.artifact_in_index.next": gettext_noop("Delete the index, then the image."),
        "error.pattern_wrong": gettext_noop("“%(value)s” is no pattern."),
        "error.pattern_wrong.next": gettext_noop("Use letters, digits, * within a part, ** across, {a,b} for either."),
        "error.tag_wrong": gettext_noop(
            "A tag has at most 128 letters, digits, dots, underscores and hyphens, and does not begin with “.” or “-”."
        ),
        "error.grace_wrong": gettext_noop("A grace period has 0 to %(most)s hours."),
        "error.registry_sign_in": gettext_noop("Name or password is not right."),
        "error.registry_refused": gettext_noop("%(reason)s"),
        "error.registry_needs_token": gettext_noop(
            "This account has a second factor, so its password alone is not enough here."
        ),
        "error.registry_needs_token.next": gettext_noop("Sign in with a personal token (page “Profile”) as password."),
        "error.registry_second_factor": gettext_noop(
            "Your role needs a second factor. Add one on the page “Security”."
        ),
        "error.registry_too_many": gettext_noop("Too many failed attempts from this address. Wait a minute."),
        "error.robot_expired": gettext_noop("The robot %(name)s has expired."),
        "error.robot_expired.next": gettext_noop("Ask an administrator of the project for a new secret."),
        "error.robot_disabled": gettext_noop("The robot %(name)s is disabled."),
        "error.robot_disabled.next": gettext_noop("Ask an administrator of the project."),
        "error.manifest_unknown": gettext_noop("There is no %(name)s with %(reference)s."),
        "refusal.unsigned": gettext_noop(
            "The image is not signed: its project lets only signed images out. Ask who may sign there to sign it."
        ),
        "refusal.untrusted": gettext_noop(
            "The image is signed, but by no key that its project trusts. Ask an administrator of the project."
        ),
        "refusal.scan_none": gettext_noop(
            "The image has not been scanned, and its project lets no vulnerability of severity “%(severity)s” or worse "
            "out. Scan it first."
        ),
        "refusal.scan_running": gettext_noop(
            "The image is being scanned, and its project lets no vulnerability of severity “%(severity)s” or worse "
            "out. Try again when the scan has ended."
        ),
        "refusal.scan_error": gettext_noop(
            "The scan of the image failed, and its project lets no vulnerability of severity “%(severity)s” or worse "
            "out. The scan's log says why."
        ),
        "refusal.scan_unsupported": gettext_noop(
            "No scanner can look into the image, and its project lets no vulnerability of severity “%(severity)s” or "
            "worse out."
        ),
        "refusal.not_assessed": gettext_noop(
            "The scanner's database (%(database)s: %(sources)s; %(records)s records of %(date)s) does not cover all of "
            "the image: %(what)s. Its project lets no vulnerability of severity “%(severity)s” or worse out."
        ),
        "refusal.vulnerable": gettext_noop(
            "The image has %(count)s vulnerabilities of severity “%(severity)s” or worse, or of unknown severity "
            "(%(database)s: %(sources)s; %(records)s records of %(date)s), and its project lets none out. Update its "
            "packages, or ask for an exception."
        ),
        "severity.unknown": gettext_noop("unknown"),
        "severity.negligible": gettext_noop("negligible"),
        "severity.low": gettext_noop("low"),
        "severity.medium": gettext_noop("medium"),
        "severity.high": gettext_noop("high"),
        "severity.critical": gettext_noop("critical"),
        "error.robot_too_many": gettext_noop("A project has at most %(most)s robots."),
        "error.robot_name_taken": gettext_noop("The project has a robot “%(name)s” already."),
        "error.robot_rights": gettext_noop("Choose at least one of these rights: %(known)s."),
        "error.robot_days": gettext_noop("A robot's secret lives for 1 to %(most)s days."),
        "error.robot_gone": gettext_noop("The robot has been deleted meanwhile."),
        "error.robot_rotated": gettext_noop("The robot %(name)s has been given another secret meanwhile."),
        "error.project_role": gettext_noop("There is no such role."),
        "error.project_nobody": gettext_noop("Nobody here is called “%(name)s”."),
        "error.project_nobody.next": gettext_noop("Somebody is known here once they have signed in or were synced."),
        "error.project_own_role": gettext_noop("Nobody gives a role to themselves."),
        "error.project_own_role.next": gettext_noop("Ask another administrator."),
        "deed.registry.robot_create": gettext_noop("made the robot %(robot)s in the registry project"),
        "deed.registry.robot_rotate": gettext_noop("gave the robot %(robot)s a new secret in the registry project"),
        "deed.registry.robot_change": gettext_noop("changed the rights of the robot %(robot)s in the registry project"),
        "deed.registry.robot_stop": gettext_noop("stopped the robot %(robot)s in the registry project"),
        "deed.registry.robot_resume": gettext_noop("let the robot %(robot)s go on in the registry project"),
        "deed.registry.robot_delete": gettext_noop("deleted the robot %(robot)s of the registry project"),
        "deed.registry.member_give": gettext_noop("gave %(person)s a role in the registry project"),
        "deed.registry.member_withdraw": gettext_noop("took the role of %(person)s in the registry project away"),
        "error.readme_long": gettext_noop("A README has at most %(most)s characters."),
        "deed.registry.readme": gettext_noop("changed the README of the repository"),
        "task.registry.verify": gettext_noop("Check the signatures in %(name)s"),
        "kind.registry.verify": gettext_noop("Check signatures"),
        "step.signatures": gettext_noop("Signatures"),
        "error.key_name": gettext_noop("Give the key a name of at most 80 characters."),
        "error.key_too_many": gettext_noop("A project trusts at most %(most)s keys."),
        "error.key_known": gettext_noop("The project trusts this key, or one of this name, already."),
        "error.exception_vulnerability": gettext_noop(
            "“%(value)s” is no name of a vulnerability, such as CVE-2024-1234."
        ),
        "error.exception_reason": gettext_noop("Give a reason of at most %(most)s characters."),
        "error.exception_days": gettext_noop("An exception lasts for 1 to %(most)s days."),
        "error.exception_asked": gettext_noop("Somebody has asked for %(vulnerability)s in the same scope already."),
        "error.exception_own": gettext_noop("Nobody decides what they asked for themselves."),
        "error.exception_own.next": gettext_noop("Ask another administrator."),
        "error.exception_decided": gettext_noop("It has been decided, or is over."),
        "deed.registry.key_add": gettext_noop("made the registry project trust the key %(key)s"),
        "deed.registry.key_remove": gettext_noop("made the registry project trust the key %(key)s no longer"),
        "deed.registry.exception_ask": gettext_noop(
            "asked for an exception for %(vulnerability)s in the registry project"
        ),
        "deed.registry.exception_approve": gettext_noop(
            "approved the exception for %(vulnerability)s in the registry project"
        ),
        "deed.registry.exception_reject": gettext_noop(
            "rejected the exception for %(vulnerability)s in the registry project"
        ),
        "deed.registry.exception_withdraw": gettext_noop(
            "withdrew the exception for %(vulnerability)s in the registry project"
        ),
        "holding.project": gettext_noop("Registry project"),
        "deed.registry.project_create": gettext_noop("created the registry project"),
        "deed.registry.project_change": gettext_noop("changed the registry project"),
        "deed.registry.project_delete": gettext_noop("deleted the registry project"),
        "deed.registry.push": gettext_noop("pushed an image"),
        "deed.registry.tag_delete": gettext_noop("took a tag away"),
        "deed.registry.tag_set": gettext_noop("tagged an image"),
        "deed.registry.artifact_delete": gettext_noop("deleted an image"),
        "deed.registry.repository_delete": gettext_noop("deleted a repository"),
        "error.image_labels_many": gettext_noop("There may be at most %(most)s labels."),
        "error.image_labels_on_one": gettext_noop("An artifact has at most %(most)s labels."),
        "error.image_label_unknown": gettext_noop("There is no such label in this project, nor of the platform."),
        "error.image_label_name": gettext_noop("Give the label a name of 1 to %(most)s characters."),
        "error.image_label_colour": gettext_noop("There is no such colour; known are: %(known)s."),
        "error.image_label_there": gettext_noop("There is a label “%(name)s” already."),
        "deed.registry.label_make": gettext_noop("made the label %(label)s"),
        "deed.registry.label_change": gettext_noop("changed the label %(label)s"),
        "deed.registry.label_delete": gettext_noop("deleted the label %(label)s"),
        "deed.registry.label_put": gettext_noop("put the label %(label)s on an artifact"),
        "deed.registry.label_take": gettext_noop("took the label %(label)s off an artifact"),
        "deed.registry.refused": gettext_noop("counted refused pulls of an image"),
        "deed.registry.pulls": gettext_noop("counted pulls of an image"),
        "fact.count": gettext_noop("how often"),
        "fact.first": gettext_noop("first"),
        "fact.last": gettext_noop("last"),
        "fact.digest": gettext_noop("digest"),
        "fact.tag": gettext_noop("tag"),
        "fact.tags": gettext_noop("tags"),
        "fact.robot": gettext_noop("robot"),
        "fact.rights": gettext_noop("rights"),
        "fact.fingerprint": gettext_noop("fingerprint"),
        "fact.vulnerability": gettext_noop("vulnerability"),
        "fact.comment": gettext_noop("comment"),
        "fact.artifacts": gettext_noop("artifacts"),
        "fact.public": gettext_noop("public"),
        "fact.label": gettext_noop("label"),
        "fact.colour": gettext_noop("colour"),
    }
)

declare("registry.project_create", "public")
declare("registry.project_change", "before", "after")
declare("registry.project_delete")
declare("registry.push", "tag", "digest", "kind", "by")
declare("registry.tag_delete", "tag", "digest")
declare("registry.tag_set", "tag", "digest", "before")
declare("registry.artifact_delete", "digest", "tags")
declare("registry.repository_delete", "artifacts")
for _deed, _facts in {
    "create": ("rights", "days"),
    "rotate": ("days",),
    "change": ("rights",),
    "stop": (),
    "resume": (),
    "delete": (),
}.items():
    declare(f"registry.robot_{_deed}", "robot", *_facts)
declare("registry.member_give", "person", "role")
declare("registry.member_withdraw", "person", "role")
declare("registry.readme")
declare("registry.key_add", "key", "fingerprint")
declare("registry.key_remove", "key", "fingerprint")
declare("registry.exception_ask", "vulnerability", "reason", "days")
declare("registry.exception_approve", "vulnerability", "comment")
declare("registry.exception_reject", "vulnerability", "comment")
declare("registry.exception_withdraw", "vulnerability")
declare("registry.label_make", "label", "colour")
declare("registry.label_change", "label", "colour")
declare("registry.label_delete", "label", "artifacts")
declare("registry.label_put", "label", "digest")
declare("registry.label_take", "label", "digest")
declare("registry.pulls", "digest", "by", "count", "first", "last")
declare("registry.refused", "digest", "by", "count", "first", "last", "reason")
