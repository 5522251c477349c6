"""Keep every change of customers and of what belongs to them."""

from django.db import migrations

from regulars.foundation.changes import tracked


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        tracked("customers_customer", customer="id", leave_out=["search_text", "search_parts", "created_at"]),
        tracked("customers_contact", customer="customer_id", leave_out=["created_at"]),
        tracked("customers_relation", customer="customer_id"),
        tracked("customers_customer_tags", customer="customer_id"),
        tracked("customers_file", customer="customer_id", leave_out=["stored_as", "digest", "at", "author_id", "size"]),
    ]
