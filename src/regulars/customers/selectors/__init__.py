"""Reads across the tables of customers, one file per subject."""
