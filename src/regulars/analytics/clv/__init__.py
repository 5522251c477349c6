"""Customer-base models: who is still here, how often they will buy, what they will spend, how long they stay.

| model | for | leaves |
|---|---|---|
| `fit_mbg_nbd` | shops without a contract; the default | after any purchase |
| `fit_mbg_cnbd_k` | the same, with regular rhythms | after any purchase |
| `fit_bg_nbd` | comparison with the literature | after a repeat purchase |
| `fit_pareto_nbd` | comparison with the literature | at any time |
| `fit_nbd` | a yardstick | never |
| `fit_gamma_gamma` | value per purchase | - |
| `fit_sbg` | contracts and subscriptions | at a renewal |

Purchase models are fitted on `Counted` unique tuples: their cost does not grow with the number of customers.
"""

from regulars.analytics.clv.bg_nbd import BgNbd, fit_bg_nbd
from regulars.analytics.clv.counted import Counted
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS, Fit, PurchaseFit
from regulars.analytics.clv.gamma_gamma import GammaGamma, fit_gamma_gamma
from regulars.analytics.clv.mbg_cnbd_k import MbgCnbdK, fit_mbg_cnbd_k
from regulars.analytics.clv.mbg_nbd import MbgNbd, fit_mbg_nbd
from regulars.analytics.clv.nbd import Nbd, fit_nbd
from regulars.analytics.clv.pareto_nbd import ParetoNbd, fit_pareto_nbd
from regulars.analytics.clv.sbg import Sbg, fit_sbg

__all__ = [
    "MINIMUM_CUSTOMERS",
    "BgNbd",
    "Counted",
    "Fit",
    "GammaGamma",
    "MbgCnbdK",
    "MbgNbd",
    "Nbd",
    "ParetoNbd",
    "PurchaseFit",
    "Sbg",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_mbg_cnbd_k",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "fit_sbg",
]
