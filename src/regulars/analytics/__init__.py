"""Analyses of a purchase history: Ibis tables in, Ibis tables and frozen results out. No Django."""
