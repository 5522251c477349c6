"""What tills send, and what they are answered. Money is in minor units."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Schema

from regulars.api.http import In, Problem
from regulars.loyalty.certificate_deals import MOST_ON_A_RECEIPT
from regulars.loyalty.order_holds import LONGEST_NUMBER

MOST_LINES = 500
MOST_AT_ONCE = 100
_LARGEST = 10**13

Number = Annotated[
    str, Field(min_length=1, max_length=200, description="The receipt's number at this till.", examples=["17"])
]
Card = Annotated[str, Field("", max_length=64, description="The number of the card.", examples=["1000000017"])]
Phone = Annotated[
    str, Field("", max_length=40, description="His phone, when there is no card.", examples=["+79161234567"])
]


Clock = Annotated[
    dt.datetime | None,
    Field(
        description="What the till's clock says while it sends this, with its zone: off by more than five minutes it "
        "is refused. It is no part of what is told: set it anew when the same is sent again. Of what is dated "
        "back without it people are told.",
        examples=[None],
    ),
]
PointsAs = Annotated[
    Literal["discount", "payment"],
    Field(description="What points are by the rules: `discount` lowers the price, `payment` pays a part of it."),
]
PriceToPrint = Annotated[
    int,
    Field(description="The price for the fiscal receipt, in minor units: `to_pay` and `paid_by_points`.",
          examples=[19000]),
]  # fmt: skip
PaidByPoints = Annotated[
    int,
    Field(description="What of that price points pay: `by_points` where they are a payment, else 0.", examples=[0]),
]
Code = Annotated[
    str,
    Field("", max_length=20, description="The code that he shows on his own page: good once.", examples=["4071 9352"]),
]
CertificateNumber = Annotated[
    str,
    Field(min_length=1, max_length=64, description="The number of the certificate.", examples=["9912345678901234"]),
]


class WhoIn(In):
    """By what somebody is recognised: one of them."""

    card: Card
    phone: Phone
    code: Code


class NewMemberIn(In):
    """Somebody who wants to take part: his phone, the card that he is given, or both."""

    card: Card
    phone: Phone
    name: str = Field("", max_length=120, description="How to address him.", examples=["Anna"])
    birth_date: dt.date | None = Field(None, description="His birthday.", examples=["1985-03-08"])
    email: str = Field("", max_length=254, description="His e-mail.", examples=["anna@example.com"])
    own_fields: dict[str, Any] = Field(
        default_factory=dict, max_length=100, examples=[{}],
        description="What he answered, by the `name` of the question. What is known of him already stays.",
    )  # fmt: skip
    agrees: list[Annotated[str, Field(max_length=60)]] = Field(
        [], max_length=20, examples=[["news/1"]],
        description="The texts to which he agreed, as the questionnaire names them.",
    )  # fmt: skip


class QuestionOut(Schema):
    """Something that a new member is asked."""

    name: str = Field(description="By this it is answered.", examples=["drink"])
    title: str = Field(description="The question.", examples=["Favourite drink"])
    type: Literal["text", "number", "date", "yes_no", "choice", "choices"] = Field(description="What it takes.")
    choices: list[str] = Field(description="Of these one, or some.", examples=[["tea", "coffee"]])


class TextOut(Schema):
    """Something that he is asked to agree to."""

    text: str = Field(description="By this it is named in `agrees`; a new text has a new name.", examples=["news/1"])
    title: str = Field(description="What it is about.", examples=["News"])
    words: str = Field(description="What he reads, or is read.", examples=["I want to hear of news."])


class QuestionnaireOut(Schema):
    """What a new member is asked."""

    questions: list[QuestionOut] = Field(description="Beside his name, phone, e-mail and birthday.")
    texts: list[TextOut] = Field(description="To which he may agree, each apart.")


class BalanceOut(Schema):
    """Points of a member."""

    available: int = Field(description="He can spend so many now.", examples=[120])
    held: int = Field(description="So many more are set aside for orders that are not paid yet.", examples=[0])
    pending: int = Field(description="So many more come later.", examples=[0])
    debt: int = Field(description="He owes so many, for goods that came back.", examples=[0])


class MemberOut(Schema):
    """Who stands at the till."""

    name: str = Field(description="How to address him; empty when it is not known.", examples=["Anna"])
    balance: BalanceOut = Field(description="His points.")
    tier: str = Field(description="What his tier is called; empty when he has none.", examples=["Gold"])
    tier_ends_on: dt.date | None = Field(
        description="The day on which the tier ends unless he buys more; null: it is safe.", examples=[None]
    )


class ItemIn(In):
    """One line of the basket. What it cost the shop is known here."""

    product_id: str = Field(
        min_length=1, max_length=200, examples=["4600123456789"],
        description="The product's code.",
    )  # fmt: skip
    product: str = Field(
        "", max_length=500, description="What it is called, for goods that are new here.", examples=["Tea"]
    )
    category: str = Field(
        "", max_length=200, description="Its group, for goods that are new here.", examples=["Drinks"]
    )
    quantity: Decimal = Field(
        gt=0, max_digits=15, decimal_places=6, description="How many, or how much by weight.", examples=["2"]
    )
    price: int = Field(
        ge=0, le=_LARGEST, description="Of the whole line before discounts, in minor units.", examples=[20000]
    )


class OrderIn(WhoIn):
    """A basket. Without card and phone nobody is recognised, and only rules for everybody count."""

    store: str = Field(
        min_length=1,
        max_length=200,
        description="Where it is bought; rules go by the clock of this store.",
        examples=["Arbat"],
    )
    purchased_at: dt.datetime | None = Field(
        None, examples=[None],
        description="When, with its zone; now when left out. A till that was offline may tell it 35 days later, with "
        "its `clock`.",
    )  # fmt: skip
    channel: str = Field("", max_length=60, description="How it is bought.", examples=["shop"])
    cashier: str = Field("", max_length=200, description="Who serves.", examples=["Irina"])
    promo_codes: list[Annotated[str, Field(max_length=200)]] = Field([], max_length=20, description="Codes he named.")
    points: int = Field(
        0, ge=0, le=_LARGEST, description="How many points he wants to spend: with the card or the code alone.",
        examples=[0],
    )  # fmt: skip
    hold: str = Field(
        "", max_length=LONGEST_NUMBER, examples=[""],
        description="The number under which a till of yours has set points aside for him: they are spent, as far as "
        "the rules allow; in place of `points`.",
    )  # fmt: skip
    certificates: list[CertificateNumber] = Field(
        [], max_length=MOST_ON_A_RECEIPT,
        description="Gift certificates with which he pays, the soonest to expire first, then as told.",
    )  # fmt: skip
    lines: list[ItemIn] = Field(min_length=1, max_length=MOST_LINES, description="What he buys.")


class QuoteIn(OrderIn):
    """A basket that somebody asks about."""

    clock: Clock = None


class SaleIn(OrderIn):
    """A basket that was paid."""

    number: Number
    to_pay: int = Field(
        ge=0, le=_LARGEST, examples=[19000],
        description="What it cost, as the quote said. When it costs another sum by now, nothing is written.",
    )  # fmt: skip
    in_money: int | None = Field(
        None, ge=0, le=_LARGEST, examples=[19000],
        description="What of it he paid in money, as the quote said; all of it when left out. When certificates pay "
        "another part by now, nothing is written.",
    )  # fmt: skip


class ReceiptIn(SaleIn):
    """A basket that was paid, told alone."""

    clock: Clock = None


class OfflineSaleIn(OrderIn):
    """A receipt that was sold without a line, by the till's snapshot of the rules."""

    number: Number
    snapshot: str = Field(
        min_length=1, max_length=40, description="The `id` of the snapshot that it was sold by.",
        examples=["5d41402abc4b2a76b9719d91"],
    )  # fmt: skip
    purchased_at: dt.datetime = Field(
        description="When, by the till's clock, with its zone.", examples=["2026-11-23T12:30:00+03:00"]
    )
    paid: int = Field(
        ge=0, le=_LARGEST, description="What he paid in money. It is never refused; what differs from the rules of the "
        "snapshot is looked at by people.", examples=[19000],
    )  # fmt: skip
    points: int = Field(0, ge=0, le=_LARGEST, description="How many points were taken.", examples=[0])


class ReturnedLineIn(In):
    """How much of a line comes back."""

    line: int = Field(ge=1, le=MOST_LINES, description="Its place in the receipt, from 1.", examples=[1])
    quantity: Decimal = Field(gt=0, max_digits=15, decimal_places=6, description="How much of it.", examples=["1"])


class ReturnIn(In):
    """What comes back of a receipt, at any till; it may be told before the receipt itself."""

    number: Number
    receipt: str = Field(
        min_length=1, max_length=200, description="The number of the receipt that was sold.", examples=["16"]
    )
    receipt_till: str = Field(
        "",
        max_length=100,
        description="The till that sold it, as its answer named it; this one when left out.",
        examples=["till:3"],
    )
    lines: list[ReturnedLineIn] = Field(
        [], max_length=MOST_LINES, description="Which lines; all that is left when empty."
    )
    returned_at: dt.datetime | None = Field(
        None, description="When, with its zone; now when left out.", examples=[None]
    )
    cashier: str = Field("", max_length=200, description="Who takes it back.", examples=["Irina"])


class ReturnNowIn(ReturnIn):
    """What comes back, told alone."""

    clock: Clock = None


class OfflineReturnIn(ReturnIn):
    """What came back while there was no line."""

    returned_at: dt.datetime = Field(
        description="When, by the till's clock, with its zone.", examples=["2026-11-23T12:40:00+03:00"]
    )


class OfflineIn(In):
    """What happened without a line, in any order and parts; telling it again changes nothing."""

    clock: dt.datetime = Field(
        description="What the till's clock says now, with its zone.", examples=["2026-11-23T14:00:00+03:00"]
    )
    more: bool = Field(
        False,
        description="Whether this till has more to tell: then nothing is written yet, for an hour at most.",
        examples=[False],
    )
    receipts: list[OfflineSaleIn] = Field([], max_length=MOST_AT_ONCE, description="Receipts.")
    returns: list[OfflineReturnIn] = Field([], max_length=MOST_AT_ONCE, description="Returns.")


class VoidIn(In):
    """A receipt that was a mistake."""

    number: Number
    receipt: str = Field(
        min_length=1, max_length=200, description="The number of the receipt to cancel.", examples=["16"]
    )
    cashier: str = Field("", max_length=200, description="Who cancels it.", examples=["Irina"])


class GiftWishIn(WhoIn):
    """A gift that a member wants for his points."""

    number: str = Field(min_length=1, max_length=200, description="Of this gift at this till.", examples=["G-1"])
    gift: int = Field(ge=1, le=_LARGEST, description="Which gift, as the list of gifts named it.", examples=[1])
    points: int = Field(
        ge=1, le=_LARGEST, examples=[300],
        description="What he was told that it costs. When it costs other points by now, nothing is written.",
    )  # fmt: skip
    store: str = Field(
        "", max_length=200, description="Where it is; when left out, where this till sold last.", examples=["Arbat"]
    )
    cashier: str = Field("", max_length=200, description="Who serves.", examples=["Irina"])
    handed_out: bool = Field(
        True, description="Whether he has it in his hands; else it waits until somebody hands it out.", examples=[True]
    )


class GiftCodeIn(In):
    """A gift that waits, and is fetched."""

    code: str = Field(min_length=1, max_length=40, description="As he shows it.", examples=["K7PXBW29MD"])
    number: str = Field(min_length=1, max_length=200, description="Of this handing out at this till.", examples=["H-1"])
    cashier: str = Field("", max_length=200, description="Who hands it out.", examples=["Irina"])


class GiftVoidIn(In):
    """A gift that was a mistake, or that came back."""

    number: str = Field(
        min_length=1, max_length=200, description="The number under which it was taken.", examples=["G-17"]
    )
    cashier: str = Field("", max_length=200, description="Who cancels it.", examples=["Irina"])


class CertificateIn(In):
    """A certificate that somebody shows."""

    certificate: CertificateNumber


class CertificatesSoldIn(In):
    """Certificates that were paid. They become money of whoever holds them; no points are earned."""

    number: str = Field(min_length=1, max_length=200, description="Of this sale at this till.", examples=["C-1"])
    certificates: list[CertificateNumber] = Field(min_length=1, max_length=MOST_ON_A_RECEIPT, description="Which ones.")
    paid: int = Field(
        ge=1, le=_LARGEST, examples=[100000],
        description="What was paid for all of them. When they cost another sum, nothing is written.",
    )  # fmt: skip
    cashier: str = Field("", max_length=200, description="Who serves.", examples=["Irina"])


class CertificatesBackIn(In):
    """Certificates that come back for money, with which nothing was paid yet. They are cancelled for good."""

    number: str = Field(min_length=1, max_length=200, description="Of this return at this till.", examples=["C-2"])
    sold: str = Field(
        min_length=1, max_length=200, description="The number under which they were sold.", examples=["C-1"]
    )
    sold_till: str = Field(
        "", max_length=100, examples=["till:3"],
        description="The till that sold them, as its answer named it; this one when left out.",
    )  # fmt: skip
    certificates: list[CertificateNumber] = Field(
        [], max_length=MOST_ON_A_RECEIPT, description="Which ones; all of that sale when empty."
    )
    cashier: str = Field("", max_length=200, description="Who takes them back.", examples=["Irina"])


class CertificateOut(Schema):
    """A certificate as it stands."""

    state: Literal["printed", "valid", "used", "expired", "cancelled"] = Field(
        description="`printed`: it can be sold; `valid`: something can be paid with it."
    )
    amount: int = Field(description="For how much it is sold, in minor units.", examples=[100000])
    balance: int = Field(description="What can be paid with it now.", examples=[81000])
    valid_through: dt.date | None = Field(
        description="Its last day; null: it is not sold, or lives for ever.", examples=["2027-03-31"]
    )


class CertificateDealOut(Schema):
    """Certificates that were sold or taken back."""

    till: str = Field(description="The till that did it.", examples=["till:3"])
    number: str = Field(description="Its number there.", examples=["C-1"])
    amount: int = Field(description="What was paid for them, or is to be given back.", examples=[100000])
    certificates: list[CertificateOut] = Field(description="As they stand now, in the order of their making.")


class CertificatePaysOut(Schema):
    """What a certificate pays of a basket."""

    certificate: str = Field(description="Its number.", examples=["9912345678901234"])
    pays: int = Field(description="So much of the basket, in minor units.", examples=[19000])
    left: int = Field(description="What is left on it afterwards.", examples=[81000])


class CardIn(In):
    """The card of a member."""

    card: str = Field(
        min_length=1, max_length=64, description="The number of the card.", examples=["2900000000070"]
    )  # fmt: skip


class CardSoldIn(CardIn):
    """A card that a member has and pays for."""

    number: str = Field(min_length=1, max_length=200, description="Of this payment at this till.", examples=["K-1"])
    paid: int = Field(
        ge=1, le=_LARGEST, examples=[99000],
        description="What was paid. When it costs another sum, nothing is written.",
    )  # fmt: skip
    cashier: str = Field("", max_length=200, description="Who serves.", examples=["Irina"])


class CardVoidIn(In):
    """A payment for a card that was a mistake."""

    number: str = Field(min_length=1, max_length=200, description="The number of that payment.", examples=["K-1"])
    cashier: str = Field("", max_length=200, description="Who cancels it.", examples=["Irina"])


class CardOfferOut(Schema):
    """What a card costs."""

    privilege: str = Field(description="What its holder becomes, as the rules call it.", examples=["club"])
    price: int = Field(description="In minor units.", examples=[99000])
    valid_through: dt.date | None = Field(
        description="The last day on which he has the privilege by now; null: he has not.", examples=[None]
    )
    then_through: dt.date = Field(description="The last day when he pays now.", examples=["2027-11-23"])


class CardSoldOut(Schema):
    """A payment for a card."""

    till: str = Field(description="The till that took it.", examples=["till:3"])
    number: str = Field(description="Its number there.", examples=["K-1"])
    privilege: str = Field(description="What it was paid for.", examples=["club"])
    price: int = Field(description="What was paid, in minor units.", examples=[99000])
    valid_through: dt.date = Field(
        description="The last day of the privilege by this payment.", examples=["2027-11-23"]
    )
    state: Literal["sold", "cancelled"] = Field(description="Whether it stands.", examples=["sold"])


class HoldIn(WhoIn):
    """Points for an order that is paid later: with the card or the code alone."""

    number: str = Field(
        min_length=1,
        max_length=LONGEST_NUMBER,
        description="Of the order: one at all tills of its owner.",
        examples=["W-1001"],
    )
    points: int = Field(
        ge=1, le=_LARGEST, examples=[95],
        description="How many. What the rules let them pay is judged when the receipt is written; the rest is free "
        "again.",
    )  # fmt: skip
    until: dt.datetime = Field(
        description="Then they are free again by themselves, with its zone: within 30 days.",
        examples=["2026-11-30T12:00:00+03:00"],
    )


class HoldEndIn(In):
    """An order that is not paid any more."""

    number: str = Field(
        min_length=1,
        max_length=LONGEST_NUMBER,
        description="Of the order: one at all tills of its owner.",
        examples=["W-1001"],
    )


class HoldOut(Schema):
    """Points that are set aside, or were."""

    till: str = Field(description="The till that asks.", examples=["till:3"])
    number: str = Field(description="Of the order.", examples=["W-1001"])
    points: int = Field(description="How many.", examples=[95])
    state: Literal["open", "spent", "released"] = Field(
        description="`open`: they wait; `spent`: a receipt has taken them; `released`: they are free again.",
        examples=["open"],
    )
    until: dt.datetime = Field(description="Until when they wait.", examples=["2026-11-30T09:00:00Z"])


class PrivilegeIn(WhoIn):
    """What a member has proven."""

    name: str = Field(
        min_length=1, max_length=200, description="The privilege, as the rules call it.", examples=["pensioner"]
    )
    proof: str = Field(
        min_length=1, max_length=200, description="What was shown.", examples=["pension certificate 123"]
    )
    until: dt.date | None = Field(
        description="The last day of the proof; null: for good.", examples=["2027-08-31"]
    )  # fmt: skip
    cashier: str = Field("", max_length=200, description="Who has seen it.", examples=["Irina"])


class PrivilegeOut(Schema):
    """What he has from now on."""

    name: str = Field(description="The privilege.", examples=["pensioner"])
    until: dt.date | None = Field(description="Its last day; null: for good.", examples=["2027-08-31"])


class JudgedLineOut(Schema):
    """One line with what was taken off, in minor units."""

    price: int = Field(description="Before discounts.", examples=[20000])
    discount: int = Field(description="What rules took off.", examples=[1000])
    by_points: int = Field(description="What points pay of it.", examples=[0])
    to_pay: int = Field(description="What it costs after that.", examples=[19000])
    price_to_print: PriceToPrint
    paid_by_points: PaidByPoints
    points: int = Field(description="Points for it.", examples=[19])


class QuoteOut(Schema):
    """What the basket costs; nothing is written yet."""

    price: int = Field(description="Before discounts, in minor units.", examples=[20000])
    discount: int = Field(description="What rules took off.", examples=[1000])
    by_points: int = Field(description="What points pay.", examples=[0])
    to_pay: int = Field(description="What it costs after that, in money and with certificates.", examples=[19000])
    points_as: PointsAs
    price_to_print: PriceToPrint
    paid_by_points: PaidByPoints
    by_certificates: int = Field(description="What certificates pay of `to_pay`.", examples=[0])
    in_money: int = Field(description="What is left of `to_pay` to pay in money.", examples=[19000])
    certificates: list[CertificatePaysOut] = Field(description="What each of them pays, in the order in which they do.")
    points_spent: int = Field(
        description="How many points that takes; the rules may allow fewer than were asked.", examples=[0]
    )
    points_earned: int = Field(description="How many points he gets.", examples=[19])
    most_points: int = Field(
        description="How many points he could spend on this basket; 0 when only his phone was said.", examples=[95]
    )
    balance: BalanceOut | None = Field(description="His points before it; null: no member.")
    lines: list[JudgedLineOut] = Field(description="The lines in their order.")
    why: list[str] = Field(description="Each step of it in words.")


class SaleOut(Schema):
    """A receipt as it was written."""

    till: str = Field(description="The till that sold it.", examples=["till:3"])
    number: str = Field(description="Its number there.", examples=["17"])
    receipt_id: int = Field(description="The receipt here.", examples=[1001])
    to_pay: int = Field(description="What it cost after discounts and points, in minor units.", examples=[19000])
    points_as: PointsAs
    price_to_print: PriceToPrint
    paid_by_points: PaidByPoints
    by_certificates: int = Field(description="What certificates paid of it.", examples=[0])
    in_money: int = Field(description="What was paid in money.", examples=[19000])
    discount: int = Field(description="What rules took off.", examples=[1000])
    by_points: int = Field(description="What points paid.", examples=[0])
    points_spent: int = Field(description="How many points that took.", examples=[0])
    points_earned: int = Field(description="How many points he got.", examples=[19])
    balance: int | None = Field(
        description="How many points he could spend afterwards; null: no member.", examples=[139]
    )
    why: list[str] = Field(description="Each step of it in words.")


class BackLineOut(Schema):
    """So much of a line as came back, in minor units."""

    line: int = Field(description="Its place in the receipt, from 1.", examples=[1])
    quantity: Decimal = Field(description="How much of it.", examples=["1"])
    price_to_print: PriceToPrint
    paid_by_points: PaidByPoints


class ReturnOut(Schema):
    """A return as it was written, or that it waits for its receipt."""

    number: str = Field(description="Its number at this till.", examples=["18"])
    state: Literal["done", "waits", "refused"] = Field(
        description="`waits`: the receipt is not here yet, nothing is to be repeated; `refused`: see `detail`."
    )
    detail: str = Field(description="Why it was refused when its receipt came; empty otherwise.", examples=[""])
    refund: int | None = Field(
        examples=[9500],
        description="Money to give back, in minor units; null while it waits.",
    )  # fmt: skip
    to_certificates: int | None = Field(
        description="What went back to the certificates that paid, beside the money.", examples=[0]
    )
    points_as: PointsAs | None = Field(description="As on its receipt; null while it waits.", examples=["discount"])
    price_to_print: int | None = Field(
        description="The price of what came back for the fiscal receipt: `refund`, `to_certificates` and "
        "`paid_by_points`.",
        examples=[9500],
    )
    paid_by_points: int | None = Field(description="What of that price points had paid.", examples=[0])
    lines: list[BackLineOut] = Field(description="The same line by line; empty while it waits.")
    points_back: int | None = Field(description="Spent points that he has again.", examples=[0])
    points_taken: int | None = Field(description="Earned points that he has no more, or owes.", examples=[9])
    points_forgiven: int | None = Field(
        description="Earned points that he had spent and may not owe: nobody takes them.", examples=[0]
    )


class ChangedOut(Problem):
    """It costs another sum by now."""

    quote: QuoteOut | None = Field(None, description="The new sum, when that is what is wrong.")


class BatchIn(In):
    """What a till that was offline has to tell, in any order; telling it again changes nothing."""

    clock: Clock = None
    receipts: list[SaleIn] = Field([], max_length=MOST_AT_ONCE, description="Receipts.")
    returns: list[ReturnIn] = Field([], max_length=MOST_AT_ONCE, description="Returns.")


class ToldOut(Schema):
    """What became of one of them."""

    number: str = Field(description="Its number at this till.", examples=["17"])
    detail: str = Field(description="Why it was not written; empty when it was.", examples=[""])
    sale: SaleOut | None = Field(None, description="The receipt as it was written.")
    back: ReturnOut | None = Field(None, description="The return as it was written, or that it waits.")


class BatchOut(Schema):
    """One answer for each, in the order of the request."""

    receipts: list[ToldOut] = Field(description="Of the receipts.")
    returns: list[ToldOut] = Field(description="Of the returns.")


class StoredOut(Schema):
    """What became of one of them. `waits` and `stuck`: it is kept here, and need not be told again."""

    number: str = Field(description="Its number at this till.", examples=["17"])
    state: Literal["waits", "written", "stuck", "refused"] = Field(
        description="`waits`: kept, and written soon; `written`; `stuck`: kept, a person looks at it; `refused`: not "
        "kept, see `detail`."
    )
    detail: str = Field(description="Why it is refused or stuck; empty otherwise.", examples=[""])
    sale: SaleOut | None = Field(None, description="The receipt as it was written.")
    back: ReturnOut | None = Field(None, description="The return as it was written.")


class OfflineOut(Schema):
    """One answer for each, in the order of the request."""

    receipts: list[StoredOut] = Field(description="Of the receipts.")
    returns: list[StoredOut] = Field(description="Of the returns.")


class SnapshotOut(Schema):
    """The rules for a till without a line, signed."""

    snapshot: str = Field(description="JSON as a text; the signature is of exactly its UTF-8 bytes.")
    signature: str = Field(description="Ed25519, in base64.")


class SnapshotKeyOut(Schema):
    """What snapshots are checked with."""

    public_key: str = Field(
        description="32 bytes of Ed25519 in base64. Keep it in the till: it changes only with the secret of the server."
    )


class GiftOut(Schema):
    """A gift as it stands for this member."""

    gift: int = Field(description="By this number it is taken.", examples=[1])
    name: str = Field(description="What it is called.", examples=["Mug"])
    points: int = Field(description="What it costs.", examples=[300])
    missing: int = Field(description="So many points he still needs for it; 0: he can take it now.", examples=[28])
    left: int = Field(description="How many pieces are left.", examples=[5])


class SuitingGiftOut(GiftOut):
    """A gift that suits him."""

    reason: str = Field(description="Why, in words to be said to the cashier.", examples=["He bought it 5 times."])


class WaitingGiftOut(Schema):
    """A gift that he has paid for and not got yet."""

    code: str | None = Field(
        description="By this it is handed out; null when only the phone was said: he shows it on his own page.",
        examples=["K7PXBW29MD"],
    )
    name: str = Field(description="What it is called.", examples=["Mug"])
    points: int = Field(description="What he paid for it.", examples=[300])
    until: dt.datetime | None = Field(
        description="Then it goes back, and his points too; null: it waits for as long as it takes.", examples=[None]
    )


class GiftsOut(Schema):
    """The gifts for a member."""

    can_take: list[GiftOut] = Field(description="All that he can take now, the cheapest first.")
    suits: list[SuitingGiftOut] = Field(description="What suits him and can be had now or soon, the best first.")
    waiting: list[WaitingGiftOut] = Field(description="What waits to be handed out to him, the oldest first.")
    balance: BalanceOut = Field(description="His points.")


class GiftTakenOut(Schema):
    """A gift that was taken."""

    number: str = Field(description="As the till named it.", examples=["G-1"])
    name: str = Field(description="What it is called.", examples=["Mug"])
    points: int = Field(description="What he paid for it.", examples=[300])
    state: Literal["waits", "handed_out", "cancelled"] = Field(
        description="Whether he has it, or still waits for it.", examples=["handed_out"]
    )
    code: str | None = Field(
        None, description="By this it is handed out at any till; null when it was at once.", examples=[None]
    )
