"""Texts of directories that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "task.directory.sync": gettext_noop("Sync directory %(name)s"),
        "kind.directory.sync": gettext_noop("Sync directory"),
        "step.directory_read": gettext_noop("Read people and groups"),
        "step.directory_compare": gettext_noop("Work out what changes"),
        "step.directory_apply": gettext_noop("Change people and roles"),
        "event.directory_diff": gettext_noop(
            "People: %(join)s new, %(leave)s leave, %(return)s come back, %(change)s change. "
            "Roles: %(gained)s gained, %(lost)s lost."
        ),
        "event.directory_join": gettext_noop("%(name)s is new: %(gained)s"),
        "event.directory_leave": gettext_noop("%(name)s leaves: disabled or gone in the directory. Lost: %(lost)s"),
        "event.directory_return": gettext_noop("%(name)s is back: %(gained)s"),
        "event.directory_change": gettext_noop("%(name)s changes. Gained: %(gained)s. Lost: %(lost)s."),
        "event.directory_more": gettext_noop("And %(number)s more people."),
        "event.directory_group_missing": gettext_noop(
            "The mapped group %(group)s is not there: nobody has roles by it."
        ),
        "event.directory_name_taken": gettext_noop("%(name)s gets no account: somebody else has that name here."),
        "directory.disabled": gettext_noop("Disabled in the directory"),
        "directory.gone": gettext_noop("No longer in the directory"),
        "error.directory_brake": gettext_noop(
            "Stopped before anything was changed: %(leave)s of %(people)s people would leave and %(lost)s of %(roles)s "
            "roles would be lost in %(name)s, more than %(percent)s %%."
        ),
        "error.directory_brake.next": gettext_noop(
            "Look at the changes on the directory's page; if they are meant, apply them from there."
        ),
        "error.directory_off": gettext_noop("The directory %(name)s is not in use."),
        "error.directory_off.next": gettext_noop("Enable it first."),
        "error.directory_environment": gettext_noop("This directory is described by the environment of the portal."),
        "error.directory_environment.next": gettext_noop("Change PKS_DIRECTORY_… and start the portal again."),
        "error.directory_uri": gettext_noop("“%(uri)s” is not a server: write ldaps://host or ldap://host:port."),
        "error.directory_localhost": gettext_noop("Write 127.0.0.1 in place of localhost."),
        "error.directory_port": gettext_noop("Port %(port)s is not one of a directory; allowed: %(ports)s."),
        "error.directory_port.next": gettext_noop("Have PKS_DIRECTORY_PORTS extended if it is one."),
        "error.directory_servers": gettext_noop("Name 1 to %(most)s servers, none twice."),
        "error.directory_pem": gettext_noop("These are not certificates in PEM."),
        "error.directory_filter": gettext_noop(
            "This is not a filter: its brackets must match, and a filter of people has “{login}” once."
        ),
        "error.directory_password": gettext_noop(
            "Type the password of the bind account again: servers, certificates, TLS or the account have changed."
        ),
        "error.directory_has_people": gettext_noop("%(people)s accounts are of the directory %(name)s."),
        "error.directory_has_people.next": gettext_noop("Disable it instead: accounts keep their history."),
        "error.directory_dn": gettext_noop("“%(value)s” is not a full name (DN), like ou=people,dc=corp,dc=example."),
        "directory.works": gettext_noop("It works."),
        "directory.nobody": gettext_noop("Connected, but the filter of people finds nobody below their base."),
        "directory.no_server": gettext_noop("No server answers as it should; the password was not sent anywhere."),
        "directory.bind_refused": gettext_noop("The bind account or its password is refused."),
        "directory.no_base": gettext_noop("A base does not exist, or the bind account may not see it."),
        "directory.bad_filter": gettext_noop("The server does not understand a filter."),
        "directory.search_failed": gettext_noop("The search failed."),
        "directory.server_ok": gettext_noop("Answers; its certificate is trusted."),
        "directory.tls_expired": gettext_noop("Its certificate has expired."),
        "directory.tls_not_yet": gettext_noop("Its certificate is not valid yet."),
        "directory.tls_unknown_issuer": gettext_noop(
            "Its certificate is not signed by an authority that is trusted here."
        ),
        "directory.tls_other_name": gettext_noop("Its certificate is for another name."),
        "directory.tls_refused": gettext_noop("Its certificate is not trusted."),
        "directory.no_tls": gettext_noop("It does not speak TLS as it should."),
        "directory.silent": gettext_noop("It does not answer in time."),
        "directory.unknown_host": gettext_noop("Its name is not known."),
        "directory.refused": gettext_noop("It refuses the connection."),
        "directory.not_allowed": gettext_noop("The connection would not be encrypted, or StartTLS is refused."),
        "directory.unreachable": gettext_noop("It cannot be reached."),
        "notice.directory.brake": gettext_noop("The sync of directory %(name)s stopped: %(reason)s"),
        "notice.directory.trouble": gettext_noop("The directory %(name)s cannot be synced: %(reason)s"),
        "deed.directory.create": gettext_noop("added the directory"),
        "deed.directory.change": gettext_noop("changed the settings of the directory"),
        "deed.directory.delete": gettext_noop("removed the directory"),
        "deed.directory.enable": gettext_noop("enabled the directory"),
        "fact.position": gettext_noop("position"),
        "deed.directory.move": gettext_noop("changed the order in which directories are asked"),
        "deed.directory.disable": gettext_noop("disabled the directory"),
        "deed.directory.test": gettext_noop("tested the connection to the directory"),
        "deed.directory.sync": gettext_noop("synced people and roles with the directory"),
        "deed.directory.sync_ask": gettext_noop("asked for a sync of the directory"),
        "deed.directory.sync_anyway": gettext_noop("had a sync applied that the brake had stopped: %(reason)s"),
    }
)

declare("directory.create", "servers", "changed", "password_typed")
declare("directory.change", "servers", "changed", "password_typed")
declare("directory.move", "position")
declare("directory.test", "servers")
declare("directory.sync", "counts", "gained", "lost", "reason")
declare("directory.sync_ask")
declare("directory.sync_anyway", "seen", "reason")
for _deed in ("delete", "enable", "disable"):
    declare(f"directory.{_deed}")
