"""Customers with all that belongs to them; the database keeps the search, the history and the consents itself."""

from pathlib import Path

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.changes import tracked, tracked_later
from regulars.foundation.tables import CreateModels

_SQL = ("search", "keeping")

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="Tag",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=60, unique=True)),
        ],
    ),
    migrations.CreateModel(
        name="Customer",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("person", "Person"),
                        ("company", "Company"),
                        ("intermediary", "Intermediary"),
                        ("supplier", "Supplier"),
                        ("partner", "Partner"),
                        ("employee", "Employee"),
                        ("competitor", "Competitor"),
                    ],
                    default="person",
                    max_length=12,
                ),
            ),
            ("external_id", models.CharField(max_length=200, null=True, unique=True)),
            ("name", models.CharField(blank=True, max_length=300)),
            ("family_name", models.CharField(blank=True, max_length=120)),
            ("given_name", models.CharField(blank=True, max_length=120)),
            ("middle_name", models.CharField(blank=True, max_length=120)),
            ("birth_date", models.DateField(null=True)),
            ("sex", models.CharField(blank=True, choices=[("f", "Woman"), ("m", "Man")], max_length=1)),
            ("language", models.CharField(blank=True, max_length=2)),
            (
                "owner",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="customers",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("source", models.CharField(blank=True, max_length=100)),
            ("import_id", models.BigIntegerField(db_index=True, null=True)),
            ("own_fields", models.JSONField(default=dict)),
            ("quiet_reason", models.CharField(blank=True, max_length=300)),
            ("quiet_until", models.DateField(null=True)),
            ("is_quiet", models.BooleanField(default=False)),
            (
                "merged_into",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="merged",
                    to="customers.customer",
                ),
            ),
            ("is_demo", models.BooleanField(default=False)),
            ("is_erased", models.BooleanField(default=False)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("search_text", models.TextField(blank=True, default="")),
            (
                "search_parts",
                django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
            ),
            ("tags", models.ManyToManyField(blank=True, related_name="customers", to="customers.tag")),
        ],
        options={
            "indexes": [
                models.Index(fields=["-updated_at", "-id"], name="customer_updated"),
                models.Index(fields=["owner", "-id"], name="customer_owner"),
                models.Index(fields=["name", "id"], name="customer_name"),
                models.Index(fields=["kind", "-id"], name="customer_kind"),
                models.Index(condition=models.Q(("is_quiet", True)), fields=["-id"], name="customer_quiet"),
                django.contrib.postgres.indexes.GinIndex(fields=["search_parts"], name="customer_search"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "kind__in",
                            ["person", "company", "intermediary", "supplier", "partner", "employee", "competitor"],
                        )
                    ),
                    name="customer_kind_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(("merged_into", models.F("id")), _negated=True), name="customer_not_into_himself"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("is_erased", False),
                        models.Q(
                            ("birth_date", None),
                            ("external_id", None),
                            ("family_name", ""),
                            ("given_name", ""),
                            ("middle_name", ""),
                            ("name", ""),
                            ("own_fields", {}),
                            ("sex", ""),
                        ),
                        _connector="OR",
                    ),
                    name="customer_erased_is_nobody",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Contact",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="customers.customer"
                ),
            ),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("phone", "Phone"),
                        ("email", "E-mail"),
                        ("card", "Card"),
                        ("telegram", "Telegram"),
                        ("whatsapp", "WhatsApp"),
                        ("viber", "Viber"),
                        ("vk", "VK"),
                        ("max", "MAX"),
                    ],
                    max_length=10,
                ),
            ),
            ("value", models.CharField(max_length=254)),
            ("written", models.CharField(max_length=254)),
            ("label", models.CharField(blank=True, max_length=60)),
            ("is_main", models.BooleanField(default=False)),
            ("is_valid", models.BooleanField(default=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "indexes": [models.Index(fields=["kind", "value"], name="contact_value")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("kind__in", ["phone", "email", "card", "telegram", "whatsapp", "viber", "vk", "max"])
                    ),
                    name="contact_kind_known",
                ),
                models.UniqueConstraint(fields=("customer", "kind", "value"), name="contact_once"),
                models.UniqueConstraint(
                    condition=models.Q(("kind", "card")), fields=("value",), name="contact_card_once"
                ),
                models.UniqueConstraint(
                    condition=models.Q(("is_main", True)), fields=("customer", "kind"), name="contact_one_main"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Relation",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="relations", to="customers.customer"
                ),
            ),
            (
                "other",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="related",
                    to="customers.customer",
                ),
            ),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("family", "family of"),
                        ("parent", "parent of"),
                        ("pet", "pet of"),
                        ("employee", "employee of"),
                        ("dealer", "dealer of"),
                        ("other", "connected with"),
                    ],
                    max_length=10,
                ),
            ),
            ("name", models.CharField(blank=True, max_length=200)),
            ("birth_date", models.DateField(null=True)),
            ("note", models.CharField(blank=True, max_length=300)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("other__isnull", False), models.Q(("name", ""), _negated=True), _connector="OR"
                    ),
                    name="relation_with_somebody",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Purpose",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40)),
            ("title", models.CharField(max_length=200)),
            ("version", models.PositiveIntegerField(default=1)),
            ("text", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("slug", "version"), name="purpose_version_once")],
        },
    ),
    migrations.CreateModel(
        name="Consent",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="consents", to="customers.customer"
                ),
            ),
            ("purpose", models.SlugField(max_length=40)),
            (
                "channel",
                models.CharField(
                    choices=[
                        ("any", "Any channel"),
                        ("email", "E-mail"),
                        ("sms", "SMS"),
                        ("phone", "Calls"),
                        ("messenger", "Messengers"),
                    ],
                    max_length=10,
                ),
            ),
            ("is_given", models.BooleanField()),
            ("text_version", models.PositiveIntegerField(null=True)),
            ("source", models.CharField(max_length=100)),
            ("proof", models.JSONField(default=dict)),
            ("at", models.DateTimeField()),
            ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "recorded_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "indexes": [models.Index(fields=["customer", "purpose", "channel", "-at", "-id"], name="consent_newest")],
        },
    ),
    migrations.CreateModel(
        name="Erasure",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="customers.customer"
                ),
            ),
            ("asked_on", models.DateField()),
            ("due_on", models.DateField()),
            ("asked_by", models.CharField(max_length=200)),
            (
                "registered_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("done_at", models.DateTimeField(null=True)),
            (
                "done_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("what", models.JSONField(default=dict)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("done_at", None)), fields=("customer",), name="erasure_one_open"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ForgottenContact",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("digest", models.BinaryField(max_length=32, unique=True)),
            (
                "erasure",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="customers.erasure"
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        name="Field",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40, unique=True)),
            ("title", models.CharField(max_length=120)),
            (
                "type",
                models.CharField(
                    choices=[
                        ("text", "Text"),
                        ("number", "Number"),
                        ("date", "Date"),
                        ("yes_no", "Yes or no"),
                        ("choice", "One of several"),
                        ("choices", "Some of several"),
                    ],
                    max_length=8,
                ),
            ),
            ("choices", models.JSONField(default=list)),
            ("position", models.PositiveIntegerField(default=0)),
            ("is_archived", models.BooleanField(default=False)),
        ],
        options={
            "ordering": ["position", "id"],
        },
    ),
    migrations.CreateModel(
        name="Form",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("title", models.CharField(max_length=200)),
            ("intro", models.TextField(blank=True)),
            ("questions", models.JSONField(default=list)),
            ("purpose", models.SlugField(blank=True, max_length=40)),
            ("channels", models.JSONField(default=list)),
            ("is_archived", models.BooleanField(default=False)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
    migrations.CreateModel(
        name="FormLink",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("form", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="customers.form")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="form_links", to="customers.customer"
                ),
            ),
            ("token_hash", models.CharField(max_length=64, unique=True)),
            ("expires_at", models.DateTimeField()),
            ("used_at", models.DateTimeField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="FormAnswer",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "form",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="customers.form"
                ),
            ),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="customers.customer"
                ),
            ),
            ("answers", models.JSONField()),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "filled_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        name="Strategy",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "group",
                models.CharField(
                    choices=[
                        ("person", "Person"),
                        ("company", "Company"),
                        ("intermediary", "Intermediary"),
                        ("supplier", "Supplier"),
                        ("partner", "Partner"),
                        ("employee", "Employee"),
                        ("competitor", "Competitor"),
                        ("owners", "owners"),
                    ],
                    max_length=12,
                ),
            ),
            ("version", models.PositiveIntegerField()),
            ("why", models.TextField(blank=True)),
            ("how", models.TextField(blank=True)),
            ("what", models.TextField(blank=True)),
            (
                "written_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("group", "version"), name="strategy_version_once")],
        },
    ),
    migrations.CreateModel(
        name="Merge",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kept",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            (
                "gone",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("reasons", models.JSONField(default=list)),
            ("moved", models.JSONField(default=dict)),
            (
                "by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "undone_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("undone_at", models.DateTimeField(null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("undone_at", None)), fields=("gone",), name="merge_gone_once"
                ),
                models.CheckConstraint(condition=models.Q(("kept", models.F("gone")), _negated=True), name="merge_two"),
            ],
        },
    ),
    migrations.CreateModel(
        name="MergeRule",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40, unique=True)),
            ("is_on", models.BooleanField(default=False)),
        ],
    ),
    migrations.CreateModel(
        name="Likeness",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "first",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                ),
            ),
            (
                "second",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                ),
            ),
            ("score", models.PositiveSmallIntegerField()),
            ("reasons", models.JSONField(default=list)),
            ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "refused_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("refused_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(fields=["-score", "-id"], name="likeness_best")],
            "constraints": [
                models.UniqueConstraint(fields=("first", "second"), name="likeness_once"),
                models.CheckConstraint(condition=models.Q(("first__lt", models.F("second"))), name="likeness_in_order"),
            ],
        },
    ),
    migrations.CreateModel(
        name="Note",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="customers.customer"
                ),
            ),
            ("text", models.TextField(max_length=20000)),
            (
                "author",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("edited_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(fields=["customer", "-id"], name="note_of_customer")],
        },
    ),
    migrations.CreateModel(
        name="File",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="files", to="customers.customer"
                ),
            ),
            ("name", models.CharField(max_length=200)),
            ("stored_as", models.CharField(max_length=64, unique=True)),
            ("size", models.PositiveBigIntegerField()),
            ("digest", models.CharField(max_length=64)),
            (
                "author",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
)


class Migration(migrations.Migration):
    replaces = [
        ("customers", "0001_initial"),
        ("customers", "0002_history"),
        ("customers", "0003_search"),
        ("customers", "0004_ledger"),
        ("customers", "0005_likeness"),
        ("customers", "0006_contacts_touch"),
        ("customers", "0007_erased"),
        ("customers", "0008_note_history"),
        ("customers", "0009_search_in_bulk"),
        ("customers", "0010_form_channels"),
    ]

    initial = True

    dependencies = [
        ("foundation", "0001_tables"),
        ("accounts", "0001_tables"),
    ]

    operations = [
        CreateModels(_TABLES),
        *(migrations.RunSQL(Path(__file__).with_name(f"0001_{name}.sql").read_text(encoding="utf-8")) for name in _SQL),
        tracked("customers_contact", customer="customer_id", leave_out=["created_at"]),
        tracked("customers_relation", customer="customer_id"),
        tracked("customers_customer_tags", customer="customer_id"),
        tracked("customers_file", customer="customer_id", leave_out=["stored_as", "digest", "at", "author_id", "size"]),
        # a merge's move is told by the merge, as with all rows of a customer
        tracked_later("customers_note", customer="customer_id", leave_out=["at", "author_id", "edited_at"]),
    ]
