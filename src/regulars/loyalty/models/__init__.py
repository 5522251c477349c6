"""All tables of this package, one file per concept."""

from regulars.loyalty.models.cards import Card, CardBatch, CardSale
from regulars.loyalty.models.certificates import Certificate, CertificateBatch, CertificateDeal, CertificateMovement
from regulars.loyalty.models.codes import CodeBatch, CodeUse, PromoCode
from regulars.loyalty.models.expected import SpentShare
from regulars.loyalty.models.expenses import Expense
from regulars.loyalty.models.gifts import CatalogueMeasure, Gift, Reward, Taste
from regulars.loyalty.models.holders import CardHolder, HolderSale
from regulars.loyalty.models.ledger import Account, Hold, HoldPart, Lot, Posting, Transaction, Unit
from regulars.loyalty.models.offline import OfflineDocument, SnapshotFacts, TillSnapshot
from regulars.loyalty.models.page import CustomerPage
from regulars.loyalty.models.partners import Contract, ContractUse, Partner, PartnerStore, PartnerTill
from regulars.loyalty.models.programme import Programme, ProgrammeDraft
from regulars.loyalty.models.selling import Sale, SaleLine, SaleReturn, WaitingReturn
from regulars.loyalty.models.settlement import DebtPart, Settlement, SettlementDay, SettlementNet, Statement
from regulars.loyalty.models.status import Privilege, TierChange, TierEnding
from regulars.loyalty.models.watch import Alert, Correction, Look

__all__ = [
    "Account",
    "Alert",
    "Card",
    "CardBatch",
    "CardHolder",
    "CardSale",
    "CatalogueMeasure",
    "Certificate",
    "CertificateBatch",
    "CertificateDeal",
    "CertificateMovement",
    "CodeBatch",
    "CodeUse",
    "Contract",
    "ContractUse",
    "Correction",
    "CustomerPage",
    "DebtPart",
    "Expense",
    "Gift",
    "Hold",
    "HoldPart",
    "HolderSale",
    "Look",
    "Lot",
    "OfflineDocument",
    "Partner",
    "PartnerStore",
    "PartnerTill",
    "Posting",
    "Privilege",
    "Programme",
    "ProgrammeDraft",
    "PromoCode",
    "Reward",
    "Sale",
    "SaleLine",
    "SaleReturn",
    "Settlement",
    "SettlementDay",
    "SettlementNet",
    "SnapshotFacts",
    "SpentShare",
    "Statement",
    "Taste",
    "TierChange",
    "TierEnding",
    "TillSnapshot",
    "Transaction",
    "Unit",
    "WaitingReturn",
]
