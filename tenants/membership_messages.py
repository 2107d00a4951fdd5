"""Texts of tenants, members and leavers that are stored as keys, and their deeds with the facts that each keeps."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants import audit

audit.declare("tenant.create", "name", "name_zh")
audit.declare("tenant.rename", "before", "name", "name_zh")
audit.declare("tenant.archive")
audit.declare("tenant.restore")
audit.declare("member.give", "role", "instead_of")
audit.declare("member.withdraw", "role")
audit.declare("mapping.create", "group", "role")
audit.declare("mapping.delete", "group", "role", "people")
audit.declare("role.platform_give", "role")
audit.declare("role.platform_withdraw", "role")
audit.declare("user.deactivate", "reason", "lost")
audit.declare("user.reactivate")
audit.declare("session.end_all")

messages.add(
    {
        "role.viewer": gettext_noop("Viewer"),
        "role.developer": gettext_noop("Developer"),
        "role.operator": gettext_noop("Operator"),
        "role.admin": gettext_noop("Administrator"),
        "role.platform-admin": gettext_noop("Platform administrator"),
        "role.auditor": gettext_noop("Auditor"),
        "holding.cluster": gettext_noop("Cluster"),
        "holding.task": gettext_noop("Task"),
        "deed.tenant.create": gettext_noop("made the tenant"),
        "deed.tenant.rename": gettext_noop("renamed the tenant from “%(before)s” to “%(name)s”"),
        "deed.tenant.archive": gettext_noop("archived the tenant"),
        "deed.tenant.restore": gettext_noop("restored the tenant"),
        "deed.member.give": gettext_noop("gave the role %(role)s"),
        "deed.member.withdraw": gettext_noop("withdrew the role %(role)s"),
        "deed.mapping.create": gettext_noop("let the group %(group)s give the role %(role)s"),
        "deed.mapping.delete": gettext_noop("ended that the group %(group)s gives the role %(role)s"),
        "deed.role.platform_give": gettext_noop("gave the platform role %(role)s"),
        "deed.role.platform_withdraw": gettext_noop("withdrew the platform role %(role)s"),
        "deed.user.deactivate": gettext_noop("deactivated the account: %(reason)s"),
        "deed.user.reactivate": gettext_noop("reactivated the account"),
        "deed.session.end_all": gettext_noop("ended all sessions"),
        "notice.role.given": gettext_noop("%(actor)s gave you the role “%(role)s” in %(tenant_name)s."),
        "notice.role.withdrawn": gettext_noop("%(actor)s withdrew your role “%(role)s” in %(tenant_name)s."),
        "notice.role.platform_given": gettext_noop("%(actor)s gave you the platform role “%(role)s”."),
        "notice.role.platform_withdrawn": gettext_noop("%(actor)s withdrew your platform role “%(role)s”."),
        "notice.member.left": gettext_noop("%(person)s has left; their roles in %(tenant_name)s have ended."),
        "notice.member.left_things": gettext_noop(
            "%(person)s has left. What they made or asked for stays with %(tenant_name)s: %(names)s."
        ),
        "notice.tenant.without_admin": gettext_noop(
            "%(tenant_name)s has no administrator any more. Give somebody the role."
        ),
        "notice.mapping.made": gettext_noop(
            "%(actor)s lets the group %(group)s give the role “%(role)s” in %(tenant_name)s."
        ),
        "notice.mapping.ended": gettext_noop(
            "%(actor)s ended that the group %(group)s gives the role “%(role)s” in %(tenant_name)s."
        ),
        "notice.member.given": gettext_noop(
            "%(actor)s, who is no administrator of %(tenant_name)s, gave %(person)s the role “%(role)s” there."
        ),
        "notice.member.withdrawn": gettext_noop(
            "%(actor)s, who is no administrator of %(tenant_name)s, withdrew the role “%(role)s” of %(person)s there."
        ),
        "notice.service_account.made": gettext_noop(
            "%(actor)s, who is no administrator of %(tenant_name)s, made the service account %(name)s with the role "
            "“%(role)s” there."
        ),
        "notice.service_account.role": gettext_noop(
            "%(actor)s, who is no administrator of %(tenant_name)s, gave the service account %(name)s the role "
            "“%(role)s” there."
        ),
        "notice.service_account.token": gettext_noop(
            "%(actor)s, who is no administrator of %(tenant_name)s, issued a token of the service account %(name)s."
        ),
        "notice.mapping.made_platform": gettext_noop(
            "%(actor)s lets the directory group %(group)s give the platform role “%(role)s”."
        ),
        "notice.mapping.ended_platform": gettext_noop(
            "%(actor)s lets the directory group %(group)s no longer give the platform role “%(role)s”."
        ),
        "notice_kind.mapping.made_platform": gettext_noop("A directory group gives a platform role"),
        "notice_kind.mapping.ended_platform": gettext_noop("A directory group gives a platform role no longer"),
        "notice_kind.mapping.made": gettext_noop("A directory group gives a role"),
        "notice_kind.mapping.ended": gettext_noop("A directory group gives a role no longer"),
        "notice_kind.member.given": gettext_noop("A role given by the platform"),
        "notice_kind.member.withdrawn": gettext_noop("A role withdrawn by the platform"),
        "notice_kind.service_account.made": gettext_noop("A service account made by the platform"),
        "notice_kind.service_account.role": gettext_noop("A service account's role given by the platform"),
        "notice_kind.service_account.token": gettext_noop("A service account's token issued by the platform"),
        "error.tenant_taken": gettext_noop("The slug “%(slug)s” is taken. Slugs are never given twice."),
        "error.tenant_taken.next": gettext_noop("Choose another slug, or restore the archived tenant that has it."),
        "error.tenant_nameless": gettext_noop("A tenant needs a name."),
        "error.tenant_not_empty": gettext_noop(
            "%(tenant)s cannot be archived while it has: %(names)s (%(count)s in all)."
        ),
        "error.tenant_not_empty.next": gettext_noop("Delete its clusters and let its tasks end first."),
        "error.tenant_archived": gettext_noop("%(tenant)s is archived: nothing new can be made in it."),
        "error.tenant_archived.next": gettext_noop("Have a platform administrator restore the tenant."),
        "error.tenant_not_archived": gettext_noop("%(tenant)s is not archived."),
        "error.own_role": gettext_noop("Nobody gives a role to themselves."),
        "error.own_role.next": gettext_noop("Ask another administrator."),
        "error.role_unknown": gettext_noop("There is no role “%(role)s” here; there are: %(roles)s."),
        "error.person_unknown": gettext_noop(
            "Nobody called “%(username)s” has signed in here yet, or the account is off."
        ),
        "error.person_unknown.next": gettext_noop(
            "Give the role to a directory group of theirs, or wait until they have signed in once."
        ),
        "error.role_by_group": gettext_noop("This role comes from the directory group %(group)s."),
        "error.role_by_group.next": gettext_noop("Take the person out of the group, or end what the group gives."),
        "error.last_admin": gettext_noop("%(tenant)s would be left without an administrator."),
        "error.last_admin.next": gettext_noop(
            "Make somebody else administrator first, or ask a platform administrator."
        ),
        "error.last_platform_admin": gettext_noop("The platform would be left without an administrator."),
        "error.last_platform_admin.next": gettext_noop("Make somebody else platform administrator first."),
        "error.mapping_there": gettext_noop("The group gives the role “%(role)s” already."),
        "error.not_a_dn": gettext_noop("“%(value)s” is not the full name (DN) of a directory group."),
        "error.not_a_dn.next": gettext_noop("Write it like CN=payments-admins,OU=groups,DC=corp,DC=example."),
        "error.own_account": gettext_noop("Nobody deactivates their own account."),
        "error.own_account.next": gettext_noop("Ask another platform administrator."),
        "error.reason_missing": gettext_noop("Say why; it is kept in the audit trail."),
        "error.person_inactive": gettext_noop("%(username)s is deactivated already."),
        "error.person_active": gettext_noop("%(username)s is not deactivated."),
    }
)
