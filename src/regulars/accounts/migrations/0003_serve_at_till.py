"""Whoever recorded purchases serves members at the till, too."""

from django.db import migrations

GIVE = """
UPDATE accounts_role SET rights = array_append(rights, 'till.serve')
WHERE slug IN ('owner', 'manager', 'cashier') AND NOT 'till.serve' = ANY (rights)
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_contacts_seen")]

    operations = [
        migrations.RunSQL(GIVE, "UPDATE accounts_role SET rights = array_remove(rights, 'till.serve')"),
    ]
