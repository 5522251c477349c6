"""What is kept for ever is not emptied either: TRUNCATE passes by the triggers of rows."""

from django.db import migrations

_KEPT = (
    "account", "alert", "cardsale", "certificate", "certificatebatch", "certificatedeal", "certificatemovement",
    "contract", "correction", "debtpart", "lot", "partner", "partnertill", "posting", "programme", "reward", "sale",
    "saleline", "salereturn", "settlement", "settlementday", "settlementnet", "statement", "tierchange", "transaction",
)  # fmt: skip

_FUNCTION = """
CREATE FUNCTION loyalty_keep_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept: it is not emptied', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


def _made(table: str) -> str:
    return f"""CREATE TRIGGER keep_all BEFORE TRUNCATE ON loyalty_{table}
        FOR EACH STATEMENT EXECUTE FUNCTION loyalty_keep_all();"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0016_at_once")]

    operations = [
        migrations.RunSQL(
            [_FUNCTION, *map(_made, _KEPT)],
            [*(f"DROP TRIGGER keep_all ON loyalty_{table};" for table in _KEPT), "DROP FUNCTION loyalty_keep_all();"],
        )
    ]
