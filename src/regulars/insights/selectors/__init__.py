"""Reads across models, one file per subject."""
