"""Loyalty: the ledger of points, and the one way to write to it."""
