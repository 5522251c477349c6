"""Histories to try Regulars on: a real supermarket's, and synthetic shops whose truth is known."""
