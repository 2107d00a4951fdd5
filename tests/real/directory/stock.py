"""All of allauth's own pages, as a portal that includes its URLs would have them: the ways that the holes went."""

from django.urls import include, path

from pks_portal.urls import handler400, handler403, handler404
from pks_portal.urls import urlpatterns as own

__all__ = ["handler400", "handler403", "handler404", "urlpatterns"]
urlpatterns = [*own, path("accounts/", include("allauth.account.urls"))]
