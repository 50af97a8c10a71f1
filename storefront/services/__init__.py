"""Verbs of the safe door."""
