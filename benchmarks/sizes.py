"""How large and how long a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of rows, and how often and how long is measured."""

    rounds: int
    round_seconds: float
    codes_to_drain: int  # enough for all rounds on a fast machine
    issued_before: int  # a portal that has been in use for a while
    small_pool: int
    large_pool: int
    claims_per_round: int
    imported: int
    import_rounds: int
    grid_rows: int
    refill_codes: int
    refill_rounds: int

    @property
    def warms_up(self) -> bool:
        """One round shows that everything runs; figures need one before them that does not count."""
        return self.rounds > 1


FULL = Size(
    rounds=9,
    round_seconds=1.5,
    codes_to_drain=400_000,
    issued_before=50_000,
    small_pool=1_000,
    large_pool=1_000_000,
    claims_per_round=400,
    imported=1_000_000,
    import_rounds=1,
    grid_rows=2_000,
    refill_codes=10,
    refill_rounds=3,
)
# Shows that everything runs; its figures mean nothing.
QUICK = Size(
    rounds=1,
    round_seconds=0.1,
    codes_to_drain=4_000,
    issued_before=500,
    small_pool=100,
    large_pool=1_000,
    claims_per_round=20,
    imported=1_000,
    import_rounds=1,
    grid_rows=200,
    refill_codes=2,
    refill_rounds=1,
)
