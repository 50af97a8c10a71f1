"""Nouns of the CRM's edge."""

from keycrm.models.connection import CallWindow, Connection, Dictionary

__all__ = ["CallWindow", "Connection", "Dictionary"]
