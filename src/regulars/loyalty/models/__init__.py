"""All tables of this package, one file per concept."""

from regulars.loyalty.models.ledger import Account, Hold, HoldPart, Lot, Posting, Transaction, Unit
from regulars.loyalty.models.programme import Programme
from regulars.loyalty.models.selling import Sale, SaleLine, SaleReturn, WaitingReturn

__all__ = [
    "Account",
    "Hold",
    "HoldPart",
    "Lot",
    "Posting",
    "Programme",
    "Sale",
    "SaleLine",
    "SaleReturn",
    "Transaction",
    "Unit",
    "WaitingReturn",
]
