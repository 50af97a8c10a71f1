"""Who carries the six digits: the worker's console, an SMS gateway, a mail server."""
