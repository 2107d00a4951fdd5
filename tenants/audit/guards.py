"""Triggers with which the database itself refuses to change or delete what is on record.

They bind whoever speaks to the database through the portal's own account, the portal included; who owns the database
can drop them, and then it is the chain that tells. The SQL of both databases is kept here; migrations call `install`.
"""

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

ENTRY, SEAL, PURGE = "tenants_auditentry", "tenants_auditseal", "tenants_auditpurge"
VERBS: Final = ("update", "delete", "truncate")
REFUSAL: Final = "the audit trail is append-only"
PURGED: Final = f"(SELECT COALESCE(MAX(number), 0) FROM {PURGE})"  # noqa: S608 - of constants
MAY_GO: Final = {
    ENTRY: f"EXISTS (SELECT 1 FROM {SEAL} s WHERE s.entry_id = OLD.id AND s.number <= {PURGED})",  # noqa: S608 - of constants
    SEAL: f"OLD.number <= {PURGED}",
    PURGE: "1 = 0",
}
"""When a row of the table may be deleted: once a purge row says that the chain goes up to it."""


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that there must be."""
    verbs = VERBS if connection.vendor == "postgresql" else VERBS[:2]  # SQLite knows no TRUNCATE
    return [f"{table}_{verb}" for table in MAY_GO for verb in verbs]


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place, instead of older ones."""
    remove(connection)
    statements = _postgresql() if connection.vendor == "postgresql" else _sqlite()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers away: for a migration that must rebuild a table, and for databases of tests."""
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for table in MAY_GO:
            for verb in VERBS:
                on = f" ON {table}" if postgresql else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{verb}{on}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that should be there and are not (or sleep)."""
    awake = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
    here = awake if connection.vendor == "postgresql" else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(here)
        found = {row[0] for row in cursor.fetchall()}
    return [name for name in names(connection) if name not in found]


def _sqlite() -> list[str]:
    refuse = f"SELECT RAISE(ABORT, '{REFUSAL}')"
    made = []
    for table, condition in MAY_GO.items():
        made.append(f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
        when = f"WHEN NOT ({condition})"
        made.append(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {when} BEGIN {refuse}; END")
    return made


def _postgresql() -> list[str]:
    body = f"BEGIN RAISE EXCEPTION '{REFUSAL}'; END"
    made = [f"CREATE OR REPLACE FUNCTION tenants_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"]
    for table, condition in MAY_GO.items():
        allowed = f"BEGIN IF {condition} THEN RETURN OLD; END IF; RAISE EXCEPTION '{REFUSAL}'; END"
        function = f"{table}_refuse_delete"
        made += [
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {allowed} $$",
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
            *(
                f"CREATE TRIGGER {table}_{verb} BEFORE {verb.upper()} ON {table} "
                f"FOR EACH {'STATEMENT' if verb == 'truncate' else 'ROW'} EXECUTE FUNCTION tenants_audit_refuse()"
                for verb in ("update", "truncate")
            ),
        ]
    return made
