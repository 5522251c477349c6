"""The ledger of points, programmes, receipts, cards, gifts, certificates and partners, with what writes and keeps them."""

from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.changes import tracked
from regulars.foundation.tables import CreateModels

# in this order: a function of SQL wants those that it calls
_SQL = ("ledger", "coalition", "statements", "certificates", "receipts", "keeping")

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="CardBatch",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=60, unique=True)),
            (
                "scheme",
                models.CharField(
                    choices=[("ean13", "EAN-13, which every till reads"), ("luhn", "Any length, as on bank cards")],
                    max_length=5,
                ),
            ),
            ("prefix", models.CharField(max_length=12)),
            ("digits", models.PositiveSmallIntegerField()),
            ("is_random", models.BooleanField()),
            ("is_virtual", models.BooleanField(default=False)),
            ("cost", models.BigIntegerField(null=True)),
            ("next_serial", models.BigIntegerField(default=1)),
            ("made_at", models.DateTimeField()),
            (
                "made_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("price", models.BigIntegerField(null=True)),
            ("privilege", models.CharField(blank=True, db_default="", default="", max_length=200)),
            ("privilege_days", models.PositiveIntegerField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("price", None), ("privilege", ""), ("privilege_days", None)),
                        models.Q(
                            ("is_virtual", False),
                            ("price__gt", 0),
                            ("privilege_days__gt", 0),
                            models.Q(("privilege", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="card_batch_paid_for_something",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("digits", 13), ("scheme", "ean13")),
                        models.Q(("digits__range", (6, 19)), ("scheme", "luhn")),
                        _connector="OR",
                    ),
                    name="card_batch_scheme",
                ),
                models.CheckConstraint(
                    condition=models.Q(("prefix__regex", "^[1-9][0-9]*$")), name="card_batch_prefix"
                ),
                models.UniqueConstraint(
                    condition=models.Q(("is_virtual", True)), fields=("is_virtual",), name="card_batch_one_virtual"
                ),
                models.CheckConstraint(
                    condition=models.Q(("cost", None), ("cost__gte", 0), _connector="OR"), name="card_batch_cost"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Card",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "batch",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="cards",
                    to="loyalty.cardbatch",
                ),
            ),
            ("number", models.CharField(max_length=64)),
            ("blocked_at", models.DateTimeField(null=True)),
            (
                "blocked_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("reason", models.CharField(blank=True, max_length=200)),
            ("is_replaced", models.BooleanField(default=False)),
            (
                "replaced_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="loyalty.card",
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(fields=["batch", "id"], name="card_of_batch"),
                models.Index(
                    condition=models.Q(("replaced_by__isnull", False)), fields=["replaced_by"], name="card_replacing"
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("batch", None), ("number__regex", "^[0-9]+$"), _connector="OR"),
                    name="card_number_digits",
                ),
                models.UniqueConstraint(fields=("number",), name="card_number_once"),
                models.CheckConstraint(
                    condition=models.Q(("is_replaced", False), ("blocked_at__isnull", False), _connector="OR"),
                    name="card_replaced_is_blocked",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("replaced_by", None),
                        models.Q(("is_replaced", True), models.Q(("replaced_by", models.F("id")), _negated=True)),
                        _connector="OR",
                    ),
                    name="card_replaced_by_another",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="CardSale",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            ("cashier", models.CharField(blank=True, max_length=200)),
            (
                "batch",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.cardbatch",
                ),
            ),
            (
                "card",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="loyalty.card"
                ),
            ),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("price", models.BigIntegerField()),
            ("until", models.DateField()),
            ("sold_at", models.DateTimeField()),
            ("cancelled_at", models.DateTimeField(null=True)),
            ("cancelled_by", models.CharField(blank=True, max_length=310)),
        ],
        options={
            "indexes": [models.Index(fields=["sold_at"], name="card_sale_of_day")],
            "constraints": [
                models.UniqueConstraint(fields=("till", "number"), name="card_sale_once"),
                models.CheckConstraint(condition=models.Q(("price__gt", 0)), name="card_sale_of_money"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("cancelled_at", None), ("cancelled_by", "")),
                        models.Q(
                            ("cancelled_at__gte", models.F("sold_at")),
                            ("cancelled_at__isnull", False),
                            models.Q(("cancelled_by", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="card_sale_cancelled_by_somebody",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Unit",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40, unique=True)),
            ("title", models.CharField(blank=True, max_length=100)),
        ],
    ),
    migrations.CreateModel(
        name="Account",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="accounts",
                    to="customers.customer",
                ),
            ),
            (
                "unit",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.unit"
                ),
            ),
            ("opened_at", models.DateTimeField()),
            ("seq", models.BigIntegerField(default=0)),
            ("chain", models.BinaryField(default=b"", max_length=32)),
            ("debt", models.BigIntegerField(default=0)),
            ("debt_limit", models.BigIntegerField(default=0)),
        ],
        options={
            "indexes": [
                models.Index(fields=["customer", "unit", "id"], name="account_of_customer"),
                models.Index(condition=models.Q(("debt__gt", 0)), fields=["-debt"], name="account_in_debt"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("debt__gte", 0), ("debt__lte", models.F("debt_limit"))),
                    name="account_debt_in_limit",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Transaction",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "unit",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.unit"
                ),
            ),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("sale", "Purchase"),
                        ("return", "Return"),
                        ("void", "Cancelled purchase"),
                        ("expiry", "Points expired"),
                        ("gift", "Points as a gift"),
                        ("correction", "Correction by hand"),
                        ("capture", "Reserved points spent"),
                        ("reward", "Points for a gift"),
                        ("unreward", "Gift cancelled"),
                    ],
                    max_length=10,
                ),
            ),
            ("recorded_at", models.DateTimeField()),
            ("happened_at", models.DateTimeField()),
            ("actor", models.CharField(max_length=100)),
            ("reason", models.CharField(blank=True, max_length=300)),
            ("source", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            (
                "reverses",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="reversals",
                    to="loyalty.transaction",
                ),
            ),
            ("settles", models.BigIntegerField(default=0)),
            ("digest", models.BinaryField(max_length=32)),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("reverses__isnull", False)), fields=["reverses"], name="transaction_reversals"
                )
            ],
            "constraints": [
                models.UniqueConstraint(fields=("unit", "source", "number", "kind"), name="transaction_once")
            ],
        },
    ),
    migrations.CreateModel(
        name="Lot",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "account",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="lots",
                    to="loyalty.account",
                ),
            ),
            (
                "born_in",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="lots",
                    to="loyalty.transaction",
                ),
            ),
            (
                "origin",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.lot",
                ),
            ),
            ("granted", models.BigIntegerField()),
            ("remaining", models.BigIntegerField()),
            ("held", models.BigIntegerField(default=0)),
            ("available_at", models.DateTimeField()),
            ("expires_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("remaining__gt", 0)), fields=["account"], name="lot_with_points"),
                models.Index(
                    condition=models.Q(("remaining__gt", models.F("held"))),
                    fields=["expires_at", "id"],
                    name="lot_that_expires",
                ),
                models.Index(fields=["born_in"], name="lot_of_transaction"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("granted__gt", 0),
                        ("held__gte", 0),
                        ("held__lte", models.F("remaining")),
                        ("remaining__lte", models.F("granted")),
                    ),
                    name="lot_within_bounds",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("expires_at", None), ("expires_at__gt", models.F("available_at")), _connector="OR"
                    ),
                    name="lot_lives",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Posting",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "transaction",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="postings",
                    to="loyalty.transaction",
                ),
            ),
            (
                "book",
                models.CharField(
                    choices=[
                        ("member", "Member"),
                        ("issued", "Issued"),
                        ("redeemed", "Redeemed"),
                        ("expired", "Expired"),
                        ("void", "Taken back"),
                    ],
                    max_length=8,
                ),
            ),
            (
                "account",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.account",
                ),
            ),
            (
                "lot",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.lot",
                ),
            ),
            ("amount", models.BigIntegerField()),
            ("seq", models.BigIntegerField(null=True)),
            ("chain", models.BinaryField(max_length=32, null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["transaction"], name="posting_of_transaction"),
                models.Index(condition=models.Q(("lot__isnull", False)), fields=["lot"], name="posting_of_lot"),
                models.Index(
                    condition=models.Q(("account__isnull", False), ("lot", None)),
                    fields=["account"],
                    name="posting_of_debt",
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("account", "seq"), name="posting_gapless"),
                models.CheckConstraint(
                    condition=models.Q(("amount", 0), _negated=True), name="posting_moves_something"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(
                            ("account__isnull", False),
                            ("book", "member"),
                            ("chain__isnull", False),
                            ("seq__isnull", False),
                        ),
                        models.Q(
                            models.Q(("book", "member"), _negated=True),
                            ("account", None),
                            ("chain", None),
                            ("lot", None),
                            ("seq", None),
                        ),
                        _connector="OR",
                    ),
                    name="posting_of_member_or_programme",
                ),
                models.CheckConstraint(
                    condition=models.Q(("book__in", ["member", "issued", "redeemed", "expired", "void"])),
                    name="posting_book_known",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Hold",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "unit",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.unit"
                ),
            ),
            ("key", models.CharField(max_length=200, unique=True)),
            ("amount", models.BigIntegerField()),
            (
                "state",
                models.CharField(
                    choices=[("open", "Waits"), ("spent", "Spent"), ("released", "Released")],
                    default="open",
                    max_length=8,
                ),
            ),
            ("placed_at", models.DateTimeField()),
            ("until", models.DateTimeField()),
            ("ended_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "open")), fields=["until"], name="hold_open")],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="hold_of_something"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("ended_at", None), ("state", "open")),
                        models.Q(("ended_at__isnull", False), ("state__in", ["spent", "released"])),
                        _connector="OR",
                    ),
                    name="hold_ends_once",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="HoldPart",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "hold",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="loyalty.hold"
                ),
            ),
            ("lot", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.lot")),
            ("amount", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("hold", "lot"), name="hold_part_once"),
                models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="hold_part_of_something"),
            ],
        },
    ),
    migrations.CreateModel(
        name="Partner",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40, unique=True)),
            ("name", models.CharField(max_length=100)),
            ("about_ru", models.CharField(blank=True, max_length=500)),
            ("about_en", models.CharField(blank=True, max_length=500)),
            ("addresses", models.TextField(blank=True, max_length=2000)),
            ("is_listed", models.BooleanField(default=True)),
        ],
    ),
    migrations.CreateModel(
        name="PartnerTill",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100, unique=True)),
            (
                "partner",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="tills", to="loyalty.partner"
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        name="PartnerStore",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "store",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="of_partner", to="purchases.store"
                ),
            ),
            (
                "partner",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="stores", to="loyalty.partner"
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        name="Contract",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "partner",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="contracts",
                    to="loyalty.partner",
                ),
            ),
            ("begins_on", models.DateField()),
            ("agreed_at", models.DateTimeField()),
            ("currency", models.CharField(max_length=3)),
            ("issue_price", models.BigIntegerField()),
            ("redeem_price", models.BigIntegerField()),
            ("settled_after_days", models.PositiveSmallIntegerField(default=0)),
            ("most_issued_a_day", models.BigIntegerField(null=True)),
            ("most_issued_a_month", models.BigIntegerField(null=True)),
            ("most_redeemed_a_day", models.BigIntegerField(null=True)),
            ("most_redeemed_a_month", models.BigIntegerField(null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("partner", "begins_on"), name="contract_once"),
                models.CheckConstraint(
                    condition=models.Q(("redeem_price__gte", 0), ("redeem_price__lte", models.F("issue_price"))),
                    name="contract_no_cycle",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ContractUse",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "contract",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="uses",
                    to="loyalty.contract",
                ),
            ),
            ("used_on", models.DateField()),
            ("issued", models.BigIntegerField()),
            ("redeemed", models.BigIntegerField()),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("contract", "used_on"), name="contract_use_once")],
        },
    ),
    migrations.CreateModel(
        name="Programme",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("rules", models.JSONField()),
            ("note", models.CharField(blank=True, max_length=300)),
            ("valid_from", models.DateTimeField(unique=True)),
            ("published_at", models.DateTimeField()),
            (
                "published_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("valid_from__gte", models.F("published_at"))), name="programme_begins_later"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ProgrammeDraft",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("text", models.TextField(blank=True)),
            ("note", models.CharField(blank=True, max_length=300)),
            ("version", models.PositiveIntegerField(default=0)),
            ("saved_at", models.DateTimeField()),
            (
                "saved_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="programme_draft_only_one")],
        },
    ),
    migrations.CreateModel(
        name="Sale",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            (
                "customer",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.customer",
                ),
            ),
            (
                "programme",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.programme",
                ),
            ),
            (
                "transaction",
                models.OneToOneField(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                ),
            ),
            (
                "receipt",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="purchases.receipt"
                ),
            ),
            (
                "store",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="purchases.store",
                ),
            ),
            (
                "partner",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.partner",
                ),
            ),
            ("cashier", models.CharField(blank=True, max_length=200)),
            ("purchased_at", models.DateTimeField()),
            ("recorded_at", models.DateTimeField()),
            ("price", models.BigIntegerField()),
            ("discount", models.BigIntegerField()),
            ("by_points", models.BigIntegerField()),
            ("by_certificates", models.BigIntegerField(db_default=0, default=0)),
            ("points_spent", models.BigIntegerField()),
            ("points_earned", models.BigIntegerField()),
            ("points_as", models.CharField(max_length=8)),
            ("floor", models.BigIntegerField(null=True)),
            ("is_offline", models.BooleanField(default=False)),
            ("balance", models.BigIntegerField(null=True)),
            ("stamps", models.JSONField(default=list)),
            ("why", models.JSONField(default=list)),
        ],
        options={
            "indexes": [
                models.Index(fields=["customer", "-purchased_at"], name="sale_of_customer"),
                models.Index(
                    condition=models.Q(("cashier", ""), _negated=True),
                    fields=["cashier", "purchased_at"],
                    name="sale_of_cashier",
                ),
                models.Index(fields=["till", "purchased_at"], name="sale_of_till"),
                models.Index(fields=["store", "purchased_at"], name="sale_of_store"),
                django.contrib.postgres.indexes.BrinIndex(
                    autosummarize=True, fields=["recorded_at"], name="sale_recorded"
                ),
                django.contrib.postgres.indexes.BrinIndex(
                    autosummarize=True, fields=["purchased_at"], name="sale_purchased"
                ),
                models.Index(
                    condition=models.Q(("partner__isnull", False)), fields=["partner", "id"], name="sale_of_partner"
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("till", "number"), name="sale_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        ("by_points__gte", 0),
                        ("discount__gte", 0),
                        ("points_earned__gte", 0),
                        ("points_spent__gte", 0),
                        (
                            "price__gte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("discount"), "+", models.F("by_points")
                            ),
                        ),
                    ),
                    name="sale_pays_no_less_than_nothing",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("by_certificates__gte", 0),
                        (
                            "price__gte",
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("discount"), "+", models.F("by_points")
                                ),
                                "+",
                                models.F("by_certificates"),
                            ),
                        ),
                    ),
                    name="sale_certificates_pay_no_more",
                ),
                models.CheckConstraint(
                    condition=models.Q(("points_as__in", ["discount", "payment"])), name="sale_points_as_known"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SaleLine",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "sale",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="loyalty.sale"
                ),
            ),
            ("position", models.PositiveIntegerField()),
            ("product", models.CharField(max_length=200)),
            ("category", models.CharField(blank=True, max_length=200)),
            ("quantity", models.DecimalField(decimal_places=6, max_digits=18)),
            ("returned", models.DecimalField(decimal_places=6, default=0, max_digits=18)),
            ("price", models.BigIntegerField()),
            ("cost", models.BigIntegerField(null=True)),
            ("floor", models.BigIntegerField(null=True)),
            ("in_receipt", models.BooleanField(db_default=False, default=False)),
            ("discount", models.BigIntegerField()),
            ("by_points", models.BigIntegerField()),
            ("lowered", models.BigIntegerField()),
            ("earned", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("sale", "position"), name="sale_line_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        ("quantity__gt", 0), ("returned__gte", 0), ("returned__lte", models.F("quantity"))
                    ),
                    name="sale_line_returned",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("by_points__gte", 0),
                        ("discount__gte", 0),
                        ("earned__gte", 0),
                        (
                            "price__gte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("discount"), "+", models.F("by_points")
                            ),
                        ),
                    ),
                    name="sale_line_pays",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("floor", None),
                        (
                            "price__gte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("floor"), "+", models.F("lowered")
                            ),
                        ),
                        _connector="OR",
                    ),
                    name="sale_line_keeps_margin",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("lowered", models.F("discount")),
                        (
                            "lowered",
                            django.db.models.expressions.CombinedExpression(
                                models.F("discount"), "+", models.F("by_points")
                            ),
                        ),
                        _connector="OR",
                    ),
                    name="sale_line_lowered",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SaleReturn",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            (
                "sale",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="loyalty.sale"
                ),
            ),
            (
                "receipt",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="purchases.receipt"
                ),
            ),
            (
                "transaction",
                models.OneToOneField(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                ),
            ),
            ("is_void", models.BooleanField(default=False)),
            ("returned_at", models.DateTimeField()),
            ("recorded_at", models.DateTimeField()),
            ("lines", models.JSONField()),
            ("refund", models.BigIntegerField()),
            ("to_certificates", models.BigIntegerField(db_default=0, default=0)),
            ("points_back", models.BigIntegerField()),
            ("points_taken", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("till", "number"), name="sale_return_once"),
                models.CheckConstraint(
                    condition=models.Q(("points_back__gte", 0), ("points_taken__gte", 0), ("refund__gte", 0)),
                    name="sale_return_gives_back",
                ),
                models.CheckConstraint(
                    condition=models.Q(("to_certificates__gte", 0)), name="sale_return_to_certificates"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="WaitingReturn",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            ("sale_till", models.CharField(max_length=100)),
            ("sale_number", models.CharField(max_length=200)),
            ("wanted", models.JSONField()),
            ("came_at", models.DateTimeField()),
        ],
        options={
            "indexes": [models.Index(fields=["sale_till", "sale_number"], name="waiting_return_of_sale")],
            "constraints": [models.UniqueConstraint(fields=("till", "number"), name="waiting_return_once")],
        },
    ),
    migrations.CreateModel(
        name="CertificateBatch",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=60, unique=True)),
            ("amount", models.BigIntegerField()),
            ("currency", models.CharField(max_length=3)),
            ("days", models.PositiveIntegerField(null=True)),
            ("made_at", models.DateTimeField()),
            (
                "made_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("taken_at", models.DateTimeField(null=True)),
            (
                "taken_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="certificates_are_worth_something"),
                models.CheckConstraint(
                    condition=models.Q(("days", None), ("days__gt", 0), _connector="OR"), name="certificates_live"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Certificate",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "batch",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="certificates",
                    to="loyalty.certificatebatch",
                ),
            ),
            ("number", models.CharField(max_length=16, unique=True)),
            ("sold_for", models.BigIntegerField(null=True)),
            ("balance", models.BigIntegerField(default=0)),
            ("expires_at", models.DateTimeField(null=True)),
            ("is_cancelled", models.BooleanField(default=False)),
        ],
        options={
            "indexes": [
                models.Index(fields=["batch", "id"], name="certificate_of_batch"),
                models.Index(
                    condition=models.Q(("balance__gt", 0)), fields=["expires_at"], name="certificate_to_expire"
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("number__regex", "^[1-9][0-9]{15}$")), name="certificate_number_digits"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("balance", 0), ("expires_at", None), ("sold_for", None)),
                        models.Q(("balance__gte", 0), ("balance__lte", models.F("sold_for")), ("sold_for__gt", 0)),
                        _connector="OR",
                    ),
                    name="certificate_has_what_was_paid",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("is_cancelled", False), models.Q(("balance", 0), ("sold_for__isnull", False)), _connector="OR"
                    ),
                    name="certificate_cancelled_empty",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="CertificateDeal",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            ("cashier", models.CharField(blank=True, max_length=200)),
            ("amount", models.BigIntegerField()),
            ("made_at", models.DateTimeField()),
            (
                "reverses",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="returns",
                    to="loyalty.certificatedeal",
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("till", "number"), name="certificate_deal_once"),
                models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="certificate_deal_of_money"),
            ],
        },
    ),
    migrations.CreateModel(
        name="CertificateMovement",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "certificate",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="movements",
                    to="loyalty.certificate",
                ),
            ),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("sold", "Sold"),
                        ("spent", "Paid with it"),
                        ("returned", "Goods came back"),
                        ("expired", "Its time was over"),
                        ("cancelled", "Cancelled"),
                    ],
                    max_length=9,
                ),
            ),
            ("amount", models.BigIntegerField()),
            ("balance", models.BigIntegerField()),
            ("until", models.DateTimeField(null=True)),
            ("moved_at", models.DateTimeField()),
            (
                "deal",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="movements",
                    to="loyalty.certificatedeal",
                ),
            ),
            (
                "sale",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="certificate_movements",
                    to="loyalty.sale",
                ),
            ),
            (
                "back",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.salereturn",
                ),
            ),
            (
                "actor",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("reason", models.CharField(blank=True, max_length=200)),
        ],
        options={
            "indexes": [
                models.Index(fields=["certificate", "id"], name="movement_of_certificate"),
                models.Index(fields=["moved_at"], name="movement_of_day"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("amount__gt", 0), ("kind__in", ["sold", "returned"])),
                        models.Q(("amount__lt", 0), ("kind__in", ["spent", "expired", "cancelled"])),
                        _connector="OR",
                    ),
                    name="movement_signs",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("back", None), ("deal__isnull", False), ("kind", "sold"), ("sale", None)),
                        models.Q(("back", None), ("deal", None), ("kind", "spent"), ("sale__isnull", False)),
                        models.Q(
                            ("back__isnull", False), ("deal", None), ("kind", "returned"), ("sale__isnull", False)
                        ),
                        models.Q(("back", None), ("deal", None), ("kind", "expired"), ("sale", None)),
                        models.Q(
                            ("back", None),
                            ("kind", "cancelled"),
                            ("sale", None),
                            models.Q(("deal__isnull", False), models.Q(("reason", ""), _negated=True), _connector="OR"),
                        ),
                        _connector="OR",
                    ),
                    name="movement_has_its_reason",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("kind", "sold")), fields=("certificate",), name="movement_sold_once"
                ),
                models.UniqueConstraint(
                    condition=models.Q(("kind", "spent")), fields=("sale", "certificate"), name="movement_spent_once"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="CodeBatch",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=60)),
            ("key", models.CharField(max_length=180, unique=True)),
            ("until", models.DateField(null=True)),
            ("made_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="PromoCode",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "batch",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="codes", to="loyalty.codebatch"
                ),
            ),
            ("code", models.CharField(max_length=40, unique=True)),
            (
                "customer",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("most_uses", models.PositiveIntegerField(default=1)),
            ("used", models.PositiveIntegerField(default=0)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("used__lte", models.F("most_uses"))), name="promo_code_not_overused"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="CodeUse",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "code",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="loyalty.promocode"
                ),
            ),
            (
                "sale",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="code_uses", to="loyalty.sale"
                ),
            ),
            ("is_undone", models.BooleanField(default=False)),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("code", "sale"), name="code_use_once")],
        },
    ),
    migrations.CreateModel(
        name="Expense",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.CharField(max_length=64, unique=True)),
            ("spent_on", models.DateField()),
            (
                "kind",
                models.CharField(
                    choices=[("messages", "Messages"), ("work", "Work of people"), ("other", "Other expenses")],
                    max_length=8,
                ),
            ),
            ("amount", models.BigIntegerField()),
            ("note", models.CharField(blank=True, max_length=200)),
            ("typed_at", models.DateTimeField()),
            (
                "typed_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "indexes": [models.Index(fields=["spent_on", "id"], name="expense_of_day")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("amount__gt", 0), ("kind__in", ["messages", "work", "other"])),
                    name="expense_of_something",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Gift",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=200)),
            ("product", models.CharField(blank=True, max_length=200)),
            ("stock", models.BigIntegerField()),
            ("points", models.BigIntegerField()),
            ("cost", models.BigIntegerField()),
            ("begins_on", models.DateField(null=True)),
            ("ends_on", models.DateField(null=True)),
            ("most_each", models.PositiveIntegerField(null=True)),
            ("tiers", models.JSONField(default=list)),
            ("taken_year", models.BigIntegerField(default=0)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("stock__gte", 0)), name="gift_stock_not_negative"),
                models.CheckConstraint(
                    condition=models.Q(("cost__gte", 0), ("points__gt", 0)), name="gift_costs_points"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("begins_on", None), ("ends_on", None), ("ends_on__gte", models.F("begins_on")), _connector="OR"
                    ),
                    name="gift_ends_after_it_begins",
                ),
                models.CheckConstraint(
                    condition=models.Q(("most_each", None), ("most_each__gt", 0), _connector="OR"),
                    name="gift_for_somebody",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Reward",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "gift",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="rewards", to="loyalty.gift"
                ),
            ),
            (
                "customer",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.customer",
                ),
            ),
            (
                "transaction",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                ),
            ),
            ("till", models.CharField(max_length=100)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            ("cashier", models.CharField(blank=True, max_length=200)),
            (
                "store",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="purchases.store",
                ),
            ),
            ("code", models.CharField(max_length=20, null=True, unique=True)),
            ("until", models.DateTimeField(null=True)),
            ("points", models.BigIntegerField()),
            ("cost", models.BigIntegerField()),
            ("taken_at", models.DateTimeField()),
            ("handed_at", models.DateTimeField(null=True)),
            ("handed_by", models.CharField(blank=True, max_length=310)),
            ("handed_number", models.CharField(blank=True, max_length=200)),
            ("cancelled_at", models.DateTimeField(null=True)),
            ("cancelled_by", models.CharField(blank=True, max_length=310)),
            (
                "cancellation",
                models.OneToOneField(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(fields=["customer", "-taken_at", "-id"], name="reward_of_customer"),
                models.Index(
                    condition=models.Q(("cashier", ""), _negated=True),
                    fields=["cashier", "taken_at"],
                    name="reward_of_cashier",
                ),
                models.Index(fields=["till", "taken_at"], name="reward_of_till"),
                models.Index(fields=["store", "taken_at"], name="reward_of_store"),
                models.Index(fields=["taken_at"], name="reward_taken"),
                models.Index(
                    condition=models.Q(("cancelled_at", None), ("handed_at", None), ("until__isnull", False)),
                    fields=["until"],
                    name="reward_set_aside",
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("till", "number"), name="reward_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("handed_at", None), ("handed_by", "")),
                        models.Q(
                            ("handed_at__gte", models.F("taken_at")),
                            ("handed_at__isnull", False),
                            models.Q(("handed_by", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="reward_handed_by_somebody",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("cancellation", None), ("cancelled_at", None), ("cancelled_by", "")),
                        models.Q(
                            ("cancellation__isnull", False),
                            ("cancelled_at__gte", models.F("taken_at")),
                            ("cancelled_at__isnull", False),
                            models.Q(("cancelled_by", ""), _negated=True),
                        ),
                        _connector="OR",
                    ),
                    name="reward_cancelled_by_somebody",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("until", None),
                        models.Q(("code__isnull", False), ("until__gt", models.F("taken_at"))),
                        _connector="OR",
                    ),
                    name="reward_set_aside_for_a_time",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("handed_at", None),
                        ("cancelled_at", None),
                        ("cancelled_at__gte", models.F("handed_at")),
                        _connector="OR",
                    ),
                    name="reward_cancelled_last",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Taste",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "gift",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="tastes", to="loyalty.gift"
                ),
            ),
            ("category", models.CharField(max_length=200)),
            ("buyers", models.BigIntegerField()),
            ("likers", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("gift", "category"), name="taste_once"),
                models.CheckConstraint(
                    condition=models.Q(("likers__gt", 0), ("likers__lte", models.F("buyers"))),
                    name="taste_of_some_of_the_buyers",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="CatalogueMeasure",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("made_at", models.DateTimeField(unique=True)),
            ("figures", models.JSONField()),
        ],
    ),
    migrations.CreateModel(
        name="CardHolder",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "card",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE, related_name="holder", to="loyalty.card"
                ),
            ),
            ("name", models.CharField(max_length=120)),
            ("most_turnover", models.BigIntegerField(null=True)),
            ("most_points", models.BigIntegerField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="card_holder_has_a_name"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("most_turnover", None), ("most_turnover__gte", 0), _connector="OR"),
                        models.Q(("most_points", None), ("most_points__gte", 0), _connector="OR"),
                    ),
                    name="card_holder_limits",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="HolderSale",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "sale",
                models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.sale"),
            ),
            (
                "holder",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="sales", to="loyalty.cardholder"
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        name="SnapshotFacts",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("digest", models.CharField(max_length=64, unique=True)),
            ("packed", models.BinaryField()),
        ],
    ),
    migrations.CreateModel(
        name="TillSnapshot",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=32, unique=True)),
            ("till", models.CharField(max_length=100)),
            (
                "store",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="purchases.store"
                ),
            ),
            ("zone", models.CharField(max_length=64)),
            ("partner", models.CharField(blank=True, max_length=40)),
            (
                "facts",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="snapshots", to="loyalty.snapshotfacts"
                ),
            ),
            ("made_at", models.DateTimeField()),
            ("valid_until", models.DateTimeField()),
        ],
        options={
            "indexes": [models.Index(fields=["till", "-made_at"], name="snapshot_of_till")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("valid_until__gt", models.F("made_at"))), name="snapshot_lives"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="OfflineDocument",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("till", models.CharField(max_length=100)),
            ("kind", models.CharField(choices=[("sale", "Receipt"), ("return", "Return")], max_length=6)),
            ("number", models.CharField(max_length=200)),
            ("digest", models.BinaryField(max_length=32)),
            ("body", models.JSONField()),
            ("happened_at", models.DateTimeField()),
            ("stored_at", models.DateTimeField()),
            ("due_at", models.DateTimeField()),
            ("problem", models.TextField(blank=True)),
        ],
        options={
            "indexes": [models.Index(fields=["happened_at", "till", "number"], name="offline_in_order")],
            "constraints": [
                models.UniqueConstraint(fields=("till", "kind", "number"), name="offline_once"),
                models.CheckConstraint(condition=models.Q(("kind__in", ["sale", "return"])), name="offline_kind_known"),
            ],
        },
    ),
    migrations.CreateModel(
        name="CustomerPage",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("name", models.CharField(max_length=40, unique=True)),
            ("version", models.PositiveIntegerField(default=1)),
            ("made_at", models.DateTimeField()),
            ("code_digest", models.CharField(max_length=64, null=True, unique=True)),
            ("code_until", models.DateTimeField(null=True)),
            ("tired_until", models.DateTimeField(null=True)),
            ("till_digest", models.CharField(max_length=64, null=True, unique=True)),
            ("till_until", models.DateTimeField(null=True)),
            ("till_seen", models.CharField(blank=True, db_default="", default="", max_length=100)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("code_digest", None), ("code_until", None)),
                        models.Q(("code_digest__isnull", False), ("code_until__isnull", False)),
                        _connector="OR",
                    ),
                    name="page_code_ends",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("till_digest", None), ("till_seen", ""), ("till_until", None)),
                        models.Q(("till_digest__isnull", False), ("till_until__isnull", False)),
                        _connector="OR",
                    ),
                    name="page_till_code_ends",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SettlementDay",
        fields=[
            ("day", models.DateField(primary_key=True, serialize=False)),
            ("closed_at", models.DateTimeField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="Settlement",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "posting",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.posting"
                ),
            ),
            (
                "root",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.transaction",
                ),
            ),
            (
                "partner",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.partner"
                ),
            ),
            (
                "contract",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.contract"
                ),
            ),
            (
                "kind",
                models.CharField(
                    choices=[("issued", "Points issued"), ("redeemed", "Points redeemed"), ("owed", "Points owed")],
                    max_length=8,
                ),
            ),
            ("points", models.BigIntegerField()),
            ("amount", models.BigIntegerField()),
            ("told_on", models.DateField(null=True)),
            ("due_on", models.DateField()),
            (
                "day",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.settlementday",
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(fields=["root", "kind"], name="settlement_of_root"),
                models.Index(fields=["partner", "day", "id"], name="settlement_of_partner"),
                models.Index(
                    condition=models.Q(("day__isnull", False)), fields=["day", "partner"], name="settlement_of_day"
                ),
                models.Index(condition=models.Q(("day", None)), fields=["due_on"], name="settlement_open"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("posting", "root"), name="settlement_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("amount__gte", 0), ("kind__in", ["issued", "owed"]), ("points__gt", 0)),
                        models.Q(("amount__lte", 0), ("kind__in", ["issued", "owed"]), ("points__lt", 0)),
                        models.Q(("amount__lte", 0), ("kind", "redeemed"), ("points__gt", 0)),
                        models.Q(("amount__gte", 0), ("kind", "redeemed"), ("points__lt", 0)),
                        _connector="OR",
                    ),
                    name="settlement_signs",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="DebtPart",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "posting",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.posting"
                ),
            ),
            (
                "account",
                models.ForeignKey(
                    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.account"
                ),
            ),
            (
                "root",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.transaction",
                ),
            ),
            ("amount", models.BigIntegerField()),
        ],
        options={
            "indexes": [models.Index(fields=["account", "root"], name="debt_part_of_account")],
            "constraints": [
                models.UniqueConstraint(fields=("posting", "root"), name="debt_part_once"),
                models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="debt_part_of_something"),
            ],
        },
    ),
    migrations.CreateModel(
        name="SettlementNet",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "day",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="nets",
                    to="loyalty.settlementday",
                ),
            ),
            (
                "partner",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="nets", to="loyalty.partner"
                ),
            ),
            ("amount", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("day", "partner"), name="settlement_net_once", nulls_distinct=False)
            ],
        },
    ),
    migrations.CreateModel(
        name="Statement",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "partner",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="statements",
                    to="loyalty.partner",
                ),
            ),
            ("number", models.PositiveIntegerField()),
            ("first", models.DateField()),
            ("last", models.DateField()),
            ("made_at", models.DateTimeField()),
            ("lines", models.JSONField()),
            ("amount", models.BigIntegerField()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("partner", "number"), name="statement_once"),
                models.CheckConstraint(condition=models.Q(("last__gte", models.F("first"))), name="statement_has_days"),
            ],
        },
    ),
    migrations.CreateModel(
        name="TierChange",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="customers.customer",
                ),
            ),
            ("tier", models.CharField(blank=True, max_length=200)),
            ("since", models.DateTimeField()),
            ("turnover", models.BigIntegerField()),
        ],
        options={
            "indexes": [models.Index(fields=["customer", "-since", "-id"], name="tier_of_customer")],
        },
    ),
    migrations.CreateModel(
        name="TierEnding",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("ends_on", models.DateField()),
            ("told_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="Privilege",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("name", models.CharField(max_length=200)),
            ("proof", models.CharField(blank=True, max_length=200)),
            ("until", models.DateField(null=True)),
            ("given_at", models.DateTimeField()),
            (
                "given_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("ended_at", models.DateTimeField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("ended_at", None), ("ended_at__gte", models.F("given_at")), _connector="OR"),
                    name="privilege_ends_after_it_begins",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Alert",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.CharField(max_length=32)),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("limit", "More than usual"),
                        ("refused", "Refused at the limit"),
                        ("same", "Perhaps rung up twice"),
                        ("own", "A cashier's own card"),
                        ("offline", "Sold without a line"),
                        ("merged", "Points moved by a merge"),
                        ("raised", "Discount from a raised price"),
                    ],
                    max_length=8,
                ),
            ),
            ("of", models.CharField(blank=True, max_length=8)),
            ("per", models.CharField(blank=True, max_length=4)),
            ("subject", models.CharField(blank=True, max_length=200)),
            (
                "customer",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            (
                "sale",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.sale"
                ),
            ),
            (
                "other",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="loyalty.sale",
                ),
            ),
            (
                "merge",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.merge"
                ),
            ),
            ("begins_at", models.DateTimeField()),
            ("figures", models.JSONField(default=dict)),
            ("found_at", models.DateTimeField()),
            (
                "decision",
                models.CharField(
                    blank=True,
                    choices=[("", "waits"), ("right", "it was right"), ("wrong", "it was wrong")],
                    max_length=5,
                ),
            ),
            (
                "decided_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("decided_at", models.DateTimeField(null=True)),
            ("since", models.PositiveIntegerField(default=0)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("decision", "")), fields=["-id"], name="alert_open"),
                models.Index(fields=["key", "-id"], name="alert_about"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("decision", "")), fields=("key",), name="alert_open_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("decided_at", None), ("decision", "")),
                        models.Q(("decided_at__isnull", False), ("decision__in", ["right", "wrong"])),
                        _connector="OR",
                    ),
                    name="alert_decided_once",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "same"), _negated=True),
                        models.Q(("other__isnull", False), ("sale__isnull", False)),
                        _connector="OR",
                    ),
                    name="alert_of_two_receipts",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "merged"), _negated=True), ("merge__isnull", False), _connector="OR"
                    ),
                    name="alert_of_a_merge",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Correction",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.CharField(max_length=64, unique=True)),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                ),
            ),
            ("points", models.BigIntegerField()),
            ("reason", models.CharField(max_length=300)),
            ("needs_two", models.BooleanField()),
            (
                "asked_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("asked_at", models.DateTimeField()),
            (
                "state",
                models.CharField(
                    choices=[("waiting", "waits"), ("done", "done"), ("declined", "declined")],
                    default="waiting",
                    max_length=8,
                ),
            ),
            (
                "decided_by",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("decided_at", models.DateTimeField(null=True)),
            (
                "transaction",
                models.OneToOneField(
                    null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                ),
            ),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "waiting")), fields=["-id"], name="correction_waiting"),
                models.Index(fields=["asked_by", "asked_at"], name="correction_of_user"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("points", 0), _negated=True), name="correction_of_something"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("decided_at", None), ("state", "waiting"), ("transaction", None)),
                        models.Q(("decided_at__isnull", False), ("state", "done"), ("transaction__isnull", False)),
                        models.Q(("decided_at__isnull", False), ("state", "declined"), ("transaction", None)),
                        _connector="OR",
                    ),
                    name="correction_posted_when_done",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("needs_two", False),
                        ("asked_by", None),
                        ("decided_by", None),
                        models.Q(("asked_by", models.F("decided_by")), _negated=True),
                        ("state", "declined"),
                        _connector="OR",
                    ),
                    name="correction_by_two",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Look",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("looked_at", models.DateTimeField()),
        ],
    ),
)


class Migration(migrations.Migration):
    replaces = [
        ("loyalty", "0001_accounts"),
        ("loyalty", "0002_ledger"),
        ("loyalty", "0003_selling"),
        ("loyalty", "0004_status"),
        ("loyalty", "0005_codes"),
        ("loyalty", "0006_cards"),
        ("loyalty", "0007_gifts"),
        ("loyalty", "0008_watch"),
        ("loyalty", "0009_coalition"),
        ("loyalty", "0010_page"),
        ("loyalty", "0011_gifts_watched"),
        ("loyalty", "0012_owed"),
        ("loyalty", "0013_offline"),
        ("loyalty", "0014_expenses"),
        ("loyalty", "0015_certificates"),
        ("loyalty", "0016_at_once"),
        ("loyalty", "0017_no_truncate"),
        ("loyalty", "0018_tills"),
        ("loyalty", "0019_draft"),
        ("loyalty", "0020_late_lots"),
        ("loyalty", "0021_lots_of_one"),
        ("loyalty", "0022_price_raised"),
    ]

    initial = True

    dependencies = [
        ("foundation", "0001_tables"),
        ("accounts", "0001_tables"),
        ("customers", "0001_tables"),
        ("purchases", "0001_tables"),
    ]

    operations = [
        CreateModels(_TABLES),
        tracked("loyalty_privilege", customer="customer_id"),
        *(migrations.RunSQL(Path(__file__).with_name(f"0001_{name}.sql").read_text(encoding="utf-8")) for name in _SQL),
    ]
