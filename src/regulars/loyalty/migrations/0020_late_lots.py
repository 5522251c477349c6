"""What is given back to a lot that lives on late belongs to that lot, not to the one that it came from."""

from django.db import migrations

# a lot that this very return has made stands for the one that had expired; any other takes its own points back
_SPENT_BY = """
CREATE OR REPLACE FUNCTION loyalty_spent_by(sale bigint) RETURNS TABLE (lot_id bigint, points bigint)
LANGUAGE sql STABLE AS $$
    WITH spent AS (
        SELECT p.lot_id, -sum(p.amount) AS points, max(p.id) AS place FROM loyalty_posting p
        WHERE p.transaction_id = sale AND p.lot_id IS NOT NULL AND p.amount < 0 GROUP BY p.lot_id
    ), back AS (
        SELECT CASE l.born_in_id WHEN t.id THEN coalesce(l.origin_id, l.id) ELSE l.id END AS lot_id,
            sum(p.amount) AS points
        FROM loyalty_transaction t JOIN loyalty_posting p ON p.transaction_id = t.id JOIN loyalty_lot l ON l.id = p.lot_id
        WHERE t.reverses_id = sale AND p.amount > 0 GROUP BY 1
    )
    SELECT s.lot_id, (s.points - coalesce(b.points, 0))::bigint FROM spent s LEFT JOIN back b USING (lot_id)
    WHERE s.points > coalesce(b.points, 0) ORDER BY s.place DESC
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0019_draft")]

    operations = [migrations.RunSQL([(_SPENT_BY, None)], migrations.RunSQL.noop)]
