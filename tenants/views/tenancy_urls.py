"""Where the pages of tenants, their members and the platform's people are."""

from django.urls import path

from tenants.views import members, people, tenants

TENANT = "tenants/<slug:slug>"
MEMBERS = f"{TENANT}/members"
GROUPS = f"{TENANT}/groups"
PERSON = "platform/people/<int:pk>"

urlpatterns = [
    path("tenants", tenants.tenant_list, name="tenants"),
    path(TENANT, tenants.tenant, name="tenant"),
    path(f"{TENANT}/rename", tenants.rename, name="rename-tenant"),
    path(f"{TENANT}/archive", tenants.archive, name="archive-tenant"),
    path(f"{TENANT}/restore", tenants.restore, name="restore-tenant"),
    path(MEMBERS, members.members, name="members"),
    path(f"{MEMBERS}/give", members.give, name="give-role"),
    path(f"{MEMBERS}/suggestions", members.suggestions, name="suggest-people"),
    path(f"{MEMBERS}/<int:pk>/withdraw", members.withdraw, name="withdraw-role"),
    path(f"{MEMBERS}/<str:username>/why", members.why, name="why"),
    path(f"{GROUPS}/map", members.map_group, name="map-group"),
    path(f"{GROUPS}/<int:pk>/unmap", members.unmap, name="unmap-group"),
    path("profile/roles", members.own_roles, name="own-roles"),
    path("platform/people", people.people, name="people"),
    path("platform/groups/map", people.map_group, name="map-platform-group"),
    path("platform/groups/<int:pk>/unmap", people.unmap, name="unmap-platform-group"),
    path(PERSON, people.person, name="person"),
    path(f"{PERSON}/deactivate", people.deactivate, name="deactivate-person"),
    path(f"{PERSON}/reactivate", people.reactivate, name="reactivate-person"),
    path(f"{PERSON}/end-sessions", people.end_sessions, name="end-sessions"),
    path(f"{PERSON}/reset-factors", people.reset_factors, name="reset-factors"),
    path(f"{PERSON}/roles", people.give, name="give-platform-role"),
    path(f"{PERSON}/roles/<int:grant>/withdraw", people.withdraw, name="withdraw-platform-role"),
]
