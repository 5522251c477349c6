"""Histories to try Regulars on: a real supermarket's, and synthetic shops whose truth is known."""

from regulars.demo.shops import Shop, Truth, generate_shop, write_shop

__all__ = ["Shop", "Truth", "generate_shop", "write_shop"]
