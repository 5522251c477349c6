"""Helpers for those who work on Regulars itself; not part of the package."""
