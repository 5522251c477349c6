"""Segments: a rule in a small language, checked, compiled to one query, and read aloud as a sentence."""
