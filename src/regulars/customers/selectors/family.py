"""Who is left of those who were merged, and who became part of whom."""

from django.db import connection

from regulars.customers.models import Customer

_UP = """WITH RECURSIVE chain AS (
    SELECT id, merged_into_id, 0 AS step FROM customers_customer WHERE id = %s
    UNION ALL
    SELECT above.id, above.merged_into_id, step + 1
    FROM chain JOIN customers_customer AS above ON above.id = chain.merged_into_id
) SELECT id FROM chain ORDER BY step"""

_DOWN = """WITH RECURSIVE part AS (
    SELECT id FROM customers_customer WHERE id = %s
    UNION ALL
    SELECT below.id FROM part JOIN customers_customer AS below ON below.merged_into_id = part.id
) SELECT id FROM part"""


def chain_of(customer_id: int) -> list[int]:
    """He, the one he was merged into, and so on up to the one who is left; empty when there is no such row."""
    return _ids(_UP, customer_id)


def survivor_of(customer_id: int) -> int | None:
    """Whose card this is now."""
    chain = chain_of(customer_id)
    return chain[-1] if chain else None


def family_of(customer_id: int) -> list[int]:
    """He and all who became part of him."""
    return _ids(_DOWN, customer_id)


def by_external_id(external_id: str) -> Customer | None:
    """The customer with this key of the till or of 1C, also when that row was merged into another."""
    found = Customer.objects.filter(external_id=external_id).first()
    return found if found is None else survivor(found)


def survivor(customer: Customer) -> Customer:
    """The same for a row that was read already."""
    if customer.merged_into_id is None:
        return customer
    return Customer.objects.get(pk=chain_of(customer.pk)[-1])


def _ids(query: str, customer_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, [customer_id])
        return [int(key) for (key,) in cursor.fetchall()]
