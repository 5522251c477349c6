"""Which tier each customer had at the moment of a fact, in SQL: both pieces stand in one query."""

# of two changes at one moment the later one counts; asked with the end and the begin of the period
SPELLS = """spell (customer_id, tier, since, until) AS (
    SELECT customer_id, tier, since, until FROM (
        SELECT customer_id, tier, since, lead(since) OVER (PARTITION BY customer_id ORDER BY since, id) AS until
        FROM loyalty_tierchange WHERE since < %s
    ) change WHERE until IS NULL OR until > %s
)"""
# a fact has a `customer_id` and its moment `at`
TIERED = """FROM fact LEFT JOIN spell ON spell.customer_id = fact.customer_id
    AND fact.at >= spell.since AND (spell.until IS NULL OR fact.at < spell.until)"""
