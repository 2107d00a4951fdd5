"""Let the database refuse to change or delete what is on the audit trail."""

from django.db import migrations

from tenants.audit import guards


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_audit_chain")]
    operations = [
        migrations.RunPython(
            lambda apps, editor: guards.install(editor.connection), lambda apps, editor: guards.remove(editor.connection)
        )
    ]
