"""Pages for clusters."""

from django.urls import path

from clusters.views import catalogue, changing, creating, detail, emergency, kubeconfigs, listing, wallet

app_name = "clusters"
urlpatterns = [
    path("clusters", listing.cluster_list, name="list"),
    path("clusters/rows", listing.cluster_rows, name="rows"),
    path("clusters/new", creating.cluster_create, name="create"),
    path("clusters/new/preview", creating.create_preview, name="preview"),
    path("clusters/new/name", creating.check_name, name="check-name"),
    path("clusters/<uuid:pk>", detail.cluster_detail, name="detail"),
    path("clusters/<uuid:pk>/scale", changing.scale, name="scale"),
    path("clusters/<uuid:pk>/scale/preview", changing.scale_preview, name="scale-preview"),
    path("clusters/<uuid:pk>/labels", changing.label, name="label"),
    path("clusters/<uuid:pk>/delete", changing.delete, name="delete"),
    path("clusters/<uuid:pk>/delete/what", changing.delete_what, name="delete-what"),
    path("clusters/<uuid:pk>/kubeconfigs", kubeconfigs.issue_kubeconfig, name="issue-kubeconfig"),
    path("clusters/<uuid:pk>/emergency", emergency.enter, name="emergency"),
    path("clusters/<uuid:pk>/emergency/<uuid:access>/end", emergency.end, name="end-emergency"),
    path("kubeconfigs", wallet.kubeconfigs, name="kubeconfigs"),
    path("kubeconfigs/new", kubeconfigs.new_kubeconfig, name="new-kubeconfig"),
    path("kubeconfigs/revoke", wallet.revoke, name="revoke-kubeconfigs"),
    path("plans", catalogue.plan_list, name="plans"),
    path("versions", catalogue.version_list, name="versions"),
    path("versions/<str:version>/prepare", catalogue.version_prepare, name="prepare-version"),
]
