"""Benchmarks against peers and against the bare engine. Figures are ratios of one run, never a test."""
