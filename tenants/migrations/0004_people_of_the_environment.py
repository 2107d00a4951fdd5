import uuid

from django.db import migrations

ENVIRONMENT = uuid.UUID('d12ec704-0000-4000-8000-000000000001')


def name_the_directory(apps, schema_editor):
    """Until now there was one directory: all its people are the environment's."""
    people = apps.get_model('tenants', 'User').objects
    people.filter(directory_id__isnull=False, directory_source__isnull=True).update(directory_source=ENVIRONMENT)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_directories'),
    ]

    operations = [migrations.RunPython(name_the_directory, migrations.RunPython.noop, elidable=False)]
