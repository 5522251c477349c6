"""CommerceML 2.x, as 1C writes it: the catalogue, the offers, the counterparties, the orders.

The XML is read piece by piece, without entities, without a document type and without the network.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lxml import etree

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.core.money import to_minor
from regulars.purchases.keys import name_text
from regulars.purchases.models import Stated
from regulars.purchases.stating import MOST

_MOST_ROWS = 5_000_000
_MOST_KINDS, _LONGEST_KIND = 200, 100
_RETURNS = ("Возврат",)
_TRUE = frozenset({"true", "1", "да"})
_STRUCK = frozenset({"Отменен", "Отменён", "ПометкаУдаления", "Пометка удаления"})


@dataclass
class CommerceML:
    """What a file holds."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    products: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> name, category
    people: dict[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)  # id -> name, contacts
    documents: int = 0
    kinds: dict[str, str] = field(default_factory=dict)  # kinds of prices: id -> name
    prices: dict[str, dict[str, int]] = field(default_factory=dict)  # "cost" and "price": id of a product -> of a unit
    unused: Counter[str] = field(default_factory=Counter)  # what is read and has no place in the base: prices, stock
    reasons: Counter[str] = field(default_factory=Counter)


def read_commerceml(path: Path, *, currency: str, kinds: Mapping[str, str] = MappingProxyType({})) -> CommerceML:
    """Everything in the file that we keep; `FileProblem` when it is no CommerceML.

    `kinds` are the kinds of prices to keep: id -> "cost" or "price".
    """
    found, groups = CommerceML(), dict[str, str]()
    try:
        for element in _elements(path):
            match _name(element):
                case "Группа":
                    groups[_child(element, "Ид")] = _child(element, "Наименование")
                case "Товар":
                    _take_product(element, groups, found)
                case "ТипЦены":
                    _take_kind(element, found)
                case "Предложение":
                    _take_offer(element, found)
                    _take_prices(element, found, currency, kinds)
                case "Контрагент":
                    _take_person(element, found)
                case "Документ":
                    _take_document(element, found, currency)
            if len(found.lines) + len(found.products) + len(found.people) > _MOST_ROWS:
                raise FileProblem(_("The file is too large. Have 1C send it in parts."))
    except etree.XMLSyntaxError as error:
        raise FileProblem(_("{file} is no XML: {error}").format(file=path, error=error)) from error
    return found


_ROOT = "КоммерческаяИнформация"
_WANTED = ("Группа", "Товар", "ТипЦены", "Предложение", "Контрагент", "Документ")


def _elements(path: Path) -> Iterator[Any]:
    """Whole elements of the kinds we know; those inside a document come with it."""
    with path.open("rb") as stream:
        reader = etree.iterparse(
            stream, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        yield from _wanted(reader, path)


def _wanted(reader: Any, path: Path) -> Iterator[Any]:
    inside, root = 0, ""
    for event, element in reader:
        if not isinstance(element.tag, str):
            continue
        name = _name(element)
        root = root or name
        if root != _ROOT:
            raise FileProblem(_("{file} is no CommerceML: it begins with {name}.").format(file=path, name=root[:60]))
        if name == "Документ":
            inside += 1 if event == "start" else -1
        if event == "end" and name in _WANTED and not inside:
            yield element
            # groups nest: the outer one still needs its own words
            if name != "Группа":
                _let_go(element)


def _let_go(element: Any) -> None:
    element.clear()
    # the emptied ones before it would still fill the memory
    while element.getprevious() is not None:
        del element.getparent()[0]


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _child(element: Any, name: str) -> str:
    for one in element:
        if isinstance(one.tag, str) and _name(one) == name:
            return (one.text or "").strip()
    return ""


def _below(element: Any, *path: str) -> Iterator[Any]:
    if not path:
        yield element
        return
    for one in element:
        if isinstance(one.tag, str) and _name(one) == path[0]:
            yield from _below(one, *path[1:])


def _take_product(element: Any, groups: dict[str, str], found: CommerceML) -> None:
    key = _child(element, "Ид")
    category = next((groups.get((one.text or "").strip(), "") for one in _below(element, "Группы", "Ид")), "")
    if key:
        found.products[key] = (_child(element, "Наименование") or _child(element, "Артикул") or key, category)


def _take_offer(element: Any, found: CommerceML) -> None:
    """A variant of a product has a name of its own; orders name it by the variant's key."""
    key, name = _child(element, "Ид"), _child(element, "Наименование")
    base = found.products.get(key.partition("#")[0], ("", ""))
    if key and name and key not in found.products:
        found.products[key] = (name, base[1])
    found.unused["stock"] += bool(_child(element, "Количество")) + sum(1 for _place in _below(element, "Остатки"))


def _take_kind(element: Any, found: CommerceML) -> None:
    key = _child(element, "Ид")
    if key and len(key) <= _LONGEST_KIND and len(found.kinds) < _MOST_KINDS:
        found.kinds[key] = (_child(element, "Наименование") or key)[:200]


def _take_prices(element: Any, found: CommerceML, currency: str, kinds: Mapping[str, str]) -> None:
    """The prices of the kinds that are kept; others, those in another currency, and costs of nothing, are counted."""
    key = _child(element, "Ид")
    for one in _below(element, "Цены", "Цена"):
        what, price = kinds.get(_child(one, "ИдТипаЦены")), _unit_price(one, currency)
        if what and key and price is not None and (price or what == Stated.What.PRICE):
            found.prices.setdefault(what, {})[key] = price
        else:
            found.unused["prices"] += 1


def _unit_price(element: Any, currency: str) -> int | None:
    """In minor units; of a pack by how many units it has."""
    price, many = _number(_child(element, "ЦенаЗаЕдиницу")), _number(_child(element, "Коэффициент") or "1")
    code = _currency(_child(element, "Валюта"))
    if price is None or price < 0 or not many or many < 0 or (code and code != currency):
        return None
    minor = to_minor(price / many, currency)
    return minor if minor <= MOST else None


def _currency(written: str) -> str:
    return {"руб": "RUB", "руб.": "RUB", "643": "RUB"}.get(written, written).upper()


_CONTACTS = (("почта", "email"), ("mail", "email"), ("телефон", "phone"), ("phone", "phone"))


def _take_person(element: Any, found: CommerceML) -> str | None:
    contacts = []
    for one in _below(element, "Контакты", "Контакт"):
        kind = _child(one, "Тип").casefold() or _child(one, "КонтактВид").casefold()
        value = _child(one, "Значение")
        known = next((ours for words, ours in _CONTACTS if words in kind), "email" if "@" in value else "")
        if known and value:
            contacts.append((known, value))
    name = _child(element, "ПолноеНаименование") or _child(element, "Наименование")
    key = _child(element, "Ид") or name
    if not key or not name:
        return None
    found.people[key] = (name, contacts)
    return key


def _take_document(element: Any, found: CommerceML, currency: str) -> None:
    found.documents += 1
    moment = _moment(_child(element, "Дата"), _child(element, "Время"))
    key = _child(element, "Ид")
    if moment is None or not key:
        found.reasons["no_receipt"] += 1
        return
    if _is_struck(element):
        found.reasons["struck"] += 1
        return
    code = _currency(_child(element, "Валюта"))
    if code and code != currency:
        found.reasons["other_currency"] += 1
        return
    buyers = [_take_person(one, found) for one in _below(element, "Контрагенты", "Контрагент") if _is_buyer(one)]
    head = {
        "customer_id": buyers[0] if buyers else None,
        "purchased_at": moment,
        "receipt_id": _child(element, "Номер") or None,
        "receipt_name": name_text("commerceml", key),
        "store": next((_child(one, "Наименование") for one in _below(element, "Склады", "Склад")), None) or None,
    }
    sign = -1 if _child(element, "ХозОперация").startswith(_RETURNS) else 1
    lines = [_line(one, sign, currency) for one in _below(element, "Товары", "Товар")]
    if not lines or any(line is None for line in lines):
        found.reasons["bad_item"] += 1
        return
    found.lines += [head | line for line in lines if line is not None]


def _is_struck(element: Any) -> bool:
    return any(
        _child(one, "Наименование") in _STRUCK and _child(one, "Значение").casefold() in _TRUE
        for one in _below(element, "ЗначенияРеквизитов", "ЗначениеРеквизита")
    )


def _is_buyer(element: Any) -> bool:
    return _child(element, "Роль") in ("", "Покупатель", "Плательщик", "Получатель")


def _line(element: Any, sign: int, currency: str) -> dict[str, Any] | None:
    amount, quantity = _number(_child(element, "Сумма")), _number(_child(element, "Количество"))
    if amount is None:
        return None
    discounts = [_number(_child(one, "Сумма")) for one in _below(element, "Скидки", "Скидка")]
    discount = sum((one for one in discounts if one is not None), Decimal())
    name = _child(element, "Наименование")
    return {
        "product_id": _child(element, "Ид") or _child(element, "Артикул") or name or None,
        "product": name or None,
        "amount": sign * to_minor(amount, currency),
        "quantity": sign * float(quantity) if quantity is not None else None,
        "discount": to_minor(discount, currency) if discount > 0 else None,
    }


def _number(text: str) -> Decimal | None:
    bare = text.replace(",", ".").replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
    try:
        number = Decimal(bare)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**12 else None


def _moment(day: str, time: str) -> dt.datetime | None:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(day[:10]), dt.time.fromisoformat(time or "00:00:00"))
    except ValueError:
        return None
