"""The pages of directories."""

from django.urls import path

from pks_portal.directories import views

app_name = "directories"
urlpatterns = [
    path("platform/directories", views.listing, name="list"),
    path("platform/directories/new", views.new, name="new"),
    path("platform/directories/check", views.check, name="check"),
    path("platform/directories/try", views.try_out, name="try"),
    path("platform/directories/<slug:slug>", views.detail, name="detail"),
    path("platform/directories/<slug:slug>/edit", views.edit, name="edit"),
    path("platform/directories/<slug:slug>/health", views.health, name="health"),
    path("platform/directories/<slug:slug>/switch", views.switch, name="switch"),
    path("platform/directories/<slug:slug>/move", views.move, name="move"),
    path("platform/directories/<slug:slug>/remove", views.remove, name="remove"),
    path("platform/directories/<slug:slug>/groups", views.groups, name="groups"),
    path("platform/directories/<slug:slug>/changes", views.changes, name="changes"),
    path("platform/directories/<slug:slug>/mappings", views.map_group, name="map"),
    path("platform/directories/<slug:slug>/mappings/preview", views.preview, name="preview"),
    path("platform/directories/<slug:slug>/mappings/<int:pk>/remove", views.unmap, name="unmap"),
    path("platform/directories/<slug:slug>/sync", views.sync, name="sync"),
]
