"""Files of any kind -> the purchase contract. No Django, no pandas."""

from regulars.ingest.read import read_purchases

__all__ = ["read_purchases"]
