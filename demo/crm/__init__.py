"""A simulated CRM: the part of its API that the portal uses, webhooks, a page for a person, and switches for everything that can go wrong."""
