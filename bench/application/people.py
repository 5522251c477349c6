"""Names, phones and all that people add to customers, written past the application: nothing here is measured."""

from bench.application.installation import sql
from regulars.customers.services.search import refresh_search_of_import
from regulars.purchases.models import Import

FAMILIES = [
    "Иванов", "Смирнов", "Кузнецов", "Попов", "Васильев", "Петров", "Соколов", "Михайлов", "Новиков", "Фёдоров",
    "Морозов", "Волков", "Алексеев", "Лебедев", "Семёнов", "Егоров", "Павлов", "Козлов", "Степанов", "Николаев",
    "Орлов", "Андреев", "Макаров", "Никитин", "Захаров", "Зайцев", "Соловьёв", "Борисов", "Яковлев", "Григорьев",
    "Романов", "Воробьёв", "Сергеев", "Кузьмин", "Фролов", "Дмитриев", "Королёв", "Гусев", "Киселёв", "Ильин",
    "Максимов", "Поляков", "Сорокин", "Виноградов", "Ковалёв", "Белов", "Медведев", "Антонов", "Тарасов",
]  # fmt: skip
GIVEN = [
    "Александр", "Дмитрий", "Максим", "Сергей", "Андрей", "Алексей", "Артём", "Илья", "Кирилл", "Михаил", "Никита",
    "Матвей", "Роман", "Егор", "Иван", "Денис", "Евгений", "Даниил", "Игорь", "Владимир", "Павел", "Руслан", "Олег",
]  # fmt: skip
_MIDDLE = ["Александрович", "Дмитриевич", "Сергеевич", "Андреевич", "Иванович", "Петрович", "Михайлович"]

_NAMES = f"""UPDATE customers_customer AS c SET
    family_name = f, given_name = g, middle_name = m, name = concat_ws(' ', f, g, m), sex = 'm',
    birth_date = date '2005-01-01' - (c.id * 7919 % 21900)::int,
    owner_id = CASE WHEN c.id % 3 = 0 THEN (SELECT min(id) FROM accounts_user) END
FROM (SELECT id, (ARRAY{FAMILIES})[1 + id * 104729 % {len(FAMILIES)}] AS f,
        (ARRAY{GIVEN})[1 + id * 1299709 % {len(GIVEN)}] AS g,
        (ARRAY{_MIDDLE})[1 + id * 15485863 % {len(_MIDDLE)}] AS m FROM customers_customer) AS n
WHERE n.id = c.id"""

# one in twenty shares a phone with another, as families do
_PHONES = """INSERT INTO customers_contact (customer_id, kind, value, written, label, is_main, is_valid)
SELECT id, 'phone', '+79' || lpad((id - (id % 20 = 0)::int)::text, 9, '0'), '', '', true, true
FROM customers_customer"""
_EMAILS = """INSERT INTO customers_contact (customer_id, kind, value, written, label, is_main, is_valid)
SELECT id, 'email', 'mail' || id || '@example.com', '', '', true, true FROM customers_customer WHERE id % 2 = 0"""

_PURPOSE = """INSERT INTO customers_purpose (slug, title, version, text)
VALUES ('news', 'News and offers', 1, 'I agree') ON CONFLICT DO NOTHING"""
_CONSENTS = """INSERT INTO customers_consent (customer_id, purpose, channel, is_given, source, proof, at)
SELECT id, 'news', 'sms', id % 5 <> 0, 'till', '{}', now() - id % 700 * interval '1 day'
FROM customers_customer WHERE id % 2 = 1"""
_TAGS = """INSERT INTO customers_tag (name) SELECT 'Tag ' || n FROM generate_series(1, 20) AS n"""
_TAGGED = """INSERT INTO customers_customer_tags (customer_id, tag_id)
SELECT c.id, t.id FROM customers_customer AS c JOIN customers_tag AS t ON c.id % 200 = t.id WHERE c.id % 10 = 0"""
_LIKE = """INSERT INTO customers_likeness (first_id, second_id, score, reasons)
SELECT a.id, b.id, 60 + a.id % 40, '["same_phone"]' FROM customers_customer AS a JOIN customers_customer AS b
ON b.id = a.id + 1 WHERE b.id % 20 = 0"""
_TABLES = ("customer", "contact", "consent", "customer_tags", "likeness")


def enrich() -> None:
    """Give every customer of an import a name, phones, e-mails, consents, tags, managers and doubles."""
    sql("SET session_replication_role = replica")
    sql(_NAMES, _PHONES, _EMAILS, _PURPOSE, _CONSENTS, _TAGS, _TAGGED, _LIKE)
    sql("SET session_replication_role = origin")
    refresh_search_of_import(Import.objects.latest("pk").pk)
    sql(*(f"VACUUM ANALYZE customers_{name}" for name in _TABLES))
