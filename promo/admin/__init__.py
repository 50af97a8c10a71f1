"""Staff pages of the pools. Each module registers its own; addresses that belong to no model are offered by the modules they live in."""

from promo.admin import board, codes, exports, finding, journal, pools, profiles, runs

__all__ = ["board", "codes", "exports", "finding", "journal", "pools", "profiles", "runs"]
