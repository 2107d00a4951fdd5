"""Pages of tasks."""

from django.urls import path

from pks_portal.operations import stream, views

app_name = "operations"
urlpatterns = [
    path("tasks/<uuid:operation_id>/stream", stream.stream, name="stream"),
    path("tasks", views.task_list, name="list"),
    path("tasks/rows", views.task_rows, name="rows"),
    path("tasks/<uuid:pk>", views.task_detail, name="detail"),
    path("tasks/<uuid:pk>/log", views.task_log, name="log"),
    path("tasks/<uuid:pk>/cancel", views.task_cancel, name="cancel"),
    path("tasks/<uuid:pk>/force", views.task_force, name="force"),
    path("tasks/<uuid:pk>/retry", views.task_retry, name="retry"),
]
