"""Clusters that are there were made before the portal was an issuer: a task switches each over."""

from django.db import migrations


def mark(apps, schema_editor):
    apps.get_model("clusters", "Cluster").objects.update(followed="never")


class Migration(migrations.Migration):
    dependencies = [("clusters", "0004_trust")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
