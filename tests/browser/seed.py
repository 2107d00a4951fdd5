"""Make the people and rows of the browser tests and print the people's session keys; run as a program."""

import json
import sys
import time

import django


def main() -> None:
    """Seed what is missing; a second run gives the same people new sessions."""
    django.setup()

    from django.core.management import call_command

    from clusters.models import Cloud
    from pks_portal.default_set.people import PEOPLE
    from tenants.models import ENVIRONMENT, Membership, PlatformGrant, Source, Tenant, User

    call_command("seed_demo", stdout=sys.stderr)
    call_command("seed_clusters", stdout=sys.stderr)
    Cloud.objects.filter(slug="simulated").update(position=0)
    Cloud.objects.filter(slug="local").update(position=1)
    Cloud.objects.get_or_create(
        slug="breaking",
        defaults={
            "name": "Breaking",
            "name_zh": "故障环境",
            "kind": "simulated",
            "options": {"fail_at": "nodes"},
            "position": 2,
        },
    )
    Cloud.objects.get_or_create(
        slug="slow",
        defaults={"name": "Slow", "name_zh": "慢速环境", "kind": "simulated", "options": {"pace": 8.0}, "position": 3},
    )
    names = {person.uid: person for people in PEOPLE.values() for person in people}
    roles = {
        "li.na": ("payments", "operator"),
        "sun.li": ("payments", "admin"),
        "wu.hao": ("payments", "developer"),
        "wang.fang": ("payments", "viewer"),
        "chen.jie": ("retail", "operator"),
        "zhang.wei": (None, "platform-admin"),
        "he.xin": (None, "auditor"),
        "tan.new": ("", ""),
    }
    sessions = {}
    for login, (slug, role) in roles.items():
        person = names.get(login)
        shown = {"display_name": person.name_en, "display_name_zh": person.name_zh} if person else {}
        user, _ = User.objects.update_or_create(
            username=login,
            defaults={
                **shown,
                "directory_id": f"test-{login}",
                "directory_source_id": ENVIRONMENT,
                "email": f"{login}@example.com",
            },
        )
        via = {"source": Source.DIRECTORY, "via": f"cn=pks-{slug or 'platform'}-{role},ou=groups,dc=example,dc=com"}
        if slug:
            tenant = Tenant.objects.get(slug=slug)
            Membership.objects.update_or_create(user=user, tenant=tenant, role=role, defaults=via)
        elif slug is None:
            PlatformGrant.objects.update_or_create(user=user, role=role, defaults=via)
        sessions[login] = _session(user)
    sys.stdout.write(json.dumps({"sessions": sessions}) + "\n")


def _session(user: object) -> str:
    """Return the key of a new session of a user, as signing in makes it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "tenants.directory.backend.DirectoryBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store["account_authentication_methods"] = [
        {"method": "password", "at": time.time() + 86_400}
    ]  # these tests take longer than a proof lasts
    store["account_authentication_methods_user"] = str(user.pk)
    store.create()
    return str(store.session_key)


if __name__ == "__main__":
    main()
