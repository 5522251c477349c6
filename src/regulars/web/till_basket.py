"""What lies on the counter, as the cashier's form has it: goods of the shop, pieces of a category, and a bare sum.

The cashier types prices and pieces. What goods are called, their category and their cost are looked up, and discounts
and points have no field.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money, to_units
from regulars.foundation.models import Business
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.selling import Item
from regulars.purchases.models import Product
from regulars.web.programme_known import categories

GOODS = "goods"  # the one line of a receipt of which the sum alone is known
MOST_LINES = 100
_MOST_FOUND = 10
_FEWEST_LETTERS = 2
_LARGEST = 10**14
_OF_CATEGORY = "goods:"  # begins the code of what stands for pieces of a category
_LONGEST_CODE = 200


@dataclass(frozen=True)
class Row:
    """One line as it was typed: of a product by its code, or of a category; then the price is that of all pieces."""

    product: str
    category: str
    quantity: str
    price: str
    name: str

    @property
    def key(self) -> str:
        """As the form tells it back."""
        return f"c:{self.category}" if self.category else f"p:{self.product}"

    def item(self, currency: str) -> Item:
        """The line of the receipt. Raises `InputError` when its price or quantity is none."""
        quantity = quantity_of(self.quantity)
        if not self.price.strip():
            raise InputError(_("Type the price of “{name}”.").format(name=self.name))
        price = read_money(self.price, currency)
        if self.category:
            if quantity != int(quantity):
                raise InputError(_("Of “{name}” write whole pieces.").format(name=self.name))
            return Item(self.product, quantity, price, name=self.name, category=self.category)
        # without its name, which somebody may change before the form is sent again
        whole = int((quantity * price).quantize(Decimal(1), ROUND_HALF_UP))
        if whole > _LARGEST:
            raise InputError(_("{value!r} is too much for one line.").format(value=self.price[:40]))
        return Item(self.product, quantity, whole)


@dataclass
class Basket:
    """All of them. `found` are goods among which the cashier chooses; `is_changed`: a line was added or taken off.

    `problem` is why nothing could be added.
    """

    rows: list[Row] = field(default_factory=list)
    found: list[Product] = field(default_factory=list)
    sum: str = ""
    problem: str = ""
    is_changed: bool = False

    def items(self) -> tuple[Item, ...]:
        """The lines of the receipt; of an empty basket a bare sum must be known."""
        currency = Business.current().currency
        rows = tuple(one.item(currency) for one in self.rows)
        if not self.sum.strip():
            if not rows:
                raise InputError(_("Type the sum of the receipt, or add goods."))
            return rows
        return *rows, Item(GOODS, Decimal(1), _sum(self.sum, currency), name=_("Goods by their sum"))


def basket_of(typed: QueryDict) -> Basket:
    """The basket of the form, with what its fields add to it. Raises `InputError` when its lines are broken."""
    basket = Basket(list(_rows(typed)), sum=typed.get("sum", "")[:20])
    drop = typed.get("drop", "")
    if drop.isascii() and drop.isdigit() and int(drop) < len(basket.rows):
        del basket.rows[int(drop)]
        basket.is_changed = True
    try:
        _put_in(basket, typed)
    except InputError as error:
        basket.problem = str(error)
    return basket


def _put_in(basket: Basket, typed: QueryDict) -> None:
    find = typed.get("find", "").strip()[:_LONGEST_CODE]
    if "pick" in typed:
        _add(basket, _product(typed.get("pick", "")))
    elif find:
        look_for(basket, find)
    if typed.get("category") and typed.get("category_sum", "").strip():
        _add_category(basket, typed)


def quantity_of(text: str) -> Decimal:
    """How many pieces, or how much by weight, as people type it."""
    bare = re.sub(r"\s", "", text).replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", bare, re.ASCII) or not Decimal(bare):
        raise InputError(_("{value!r} is no quantity: write it as 2 or 0.75.").format(value=text[:40]))
    return Decimal(bare)


def offered_categories() -> list[str]:
    """Those that the rules name first, then those of goods."""
    valid = valid_at(timezone.now())
    named = dict.fromkeys(_named(valid[1])) if valid else {}
    return list(named | dict.fromkeys(name for name, _title in categories()))


def looks_at_goods() -> bool:
    """Whether a bare sum may cost more than its goods would: rules or the guard look at what is bought."""
    valid = valid_at(timezone.now())
    if valid is None:
        return False
    guard = valid[1].guard
    return bool(
        any(one.on.products or one.on.categories for one in valid[1].rules)
        or (guard and guard.unknown_cost == "no_discount")
    )


def _named(rules: RuleSet) -> Iterator[str]:
    for one in rules.rules:
        yield from one.on.categories


def _sum(text: str, currency: str) -> int:
    """What the receipt costs; nothing is no receipt."""
    found = read_money(text, currency)
    if not found:
        raise InputError(_("{value!r} is no sum: write it as 1250.50.").format(value=text[:40]))
    return found


def _rows(typed: QueryDict) -> Iterator[Row]:
    told = [typed.getlist(name) for name in ("line", "quantity", "price")]
    if len({len(one) for one in told}) > 1 or len(told[0]) > MOST_LINES:
        raise InputError(_("The form is broken: begin anew."))
    goods = {one.code: one for one in Product.objects.filter(code__in=[key[2:] for key in told[0]])}
    known = set(offered_categories()) if any(key.startswith("c:") for key in told[0]) else set()
    for key, quantity, price in zip(*told, strict=True):
        name = key[2:]
        if key.startswith("p:") and name in goods:
            yield Row(name, "", quantity[:20], price[:20], goods[name].name)
        elif key.startswith("c:") and name in known:
            yield _of_category(name, quantity[:20], price[:20])
        else:
            raise InputError(_("There is no product {code!r}: take it off the receipt.").format(code=name[:40]))


def _of_category(name: str, quantity: str, price: str) -> Row:
    code = _OF_CATEGORY + name
    if len(code) > _LONGEST_CODE:
        code = _OF_CATEGORY + hashlib.sha256(name.encode(errors="replace")).hexdigest()
    return Row(code, name, quantity, price, name)


def _add(basket: Basket, product: Product) -> None:
    """Once more, when it lies there already."""
    for place, one in enumerate(basket.rows):
        if one.product == product.code and one.quantity.isascii() and one.quantity.isdigit():
            basket.rows[place] = replace(one, quantity=str(int(one.quantity) + 1))
            basket.is_changed = True
            return
    price = "" if product.price is None else str(to_units(product.price, Business.current().currency))
    _append(basket, Row(product.code, "", "1", price, product.name))


def _add_category(basket: Basket, typed: QueryDict) -> None:
    name, pieces = typed.get("category", ""), typed.get("pieces", "").strip() or "1"
    if name not in offered_categories():
        raise InputError(_("There is no category {name!r}: choose one of the list.").format(name=name[:40]))
    row = _of_category(name, pieces[:20], typed.get("category_sum", "")[:20])
    row.item(Business.current().currency)
    _append(basket, row)


def _append(basket: Basket, row: Row) -> None:
    if len(basket.rows) >= MOST_LINES:
        raise InputError(_("A receipt has at most {most} lines here.").format(most=MOST_LINES))
    basket.rows.append(row)
    basket.is_changed = True


def look_for(basket: Basket, find: str) -> None:
    """Add the goods with this code or name; of several the cashier chooses."""
    product = _sold().filter(code=find).first()
    found = [product] if product else list(_called(find)[: _MOST_FOUND + 1])
    if not found:
        raise InputError(
            _("No goods are called {value!r}. Write another word of the name, or add them by category or sum.").format(
                value=find[:40]
            )
        )
    if len(found) == 1:
        _add(basket, found[0])
    else:
        basket.found = found[:_MOST_FOUND]


def _product(code: str) -> Product:
    found = _sold().filter(code=code[:_LONGEST_CODE].replace("\0", "")).first()
    if found is None:
        raise InputError(_("There is no product {code!r}: take it off the receipt.").format(code=code[:40]))
    return found


def _called(find: str) -> QuerySet[Product]:
    """Goods whose name has all of these words."""
    words = [one for one in find.split() if len(one) >= _FEWEST_LETTERS][:10]
    if not words:
        return Product.objects.none()
    return _sold().filter(*(Q(name__icontains=one) for one in words)).order_by("name", "pk")


def _sold() -> QuerySet[Product]:
    """Goods, without what stands for sums and categories here."""
    return Product.objects.exclude(code=GOODS).exclude(code__startswith=_OF_CATEGORY)
