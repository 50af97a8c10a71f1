"""The store's admin panel, driven by a real browser. `thread.open_panel` is the door; `profile` says what the panel looks like.

Knows pages, not pools: what to make, keep or delete is decided in promo.services.
"""
