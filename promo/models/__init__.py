"""Nouns of the pools: codes (what is handed out), runs (what happens at the panel), publications (what the bucket shows)."""

from promo.models.codes import Code, CodeEvent, CodeState, Lot, Pool
from promo.models.exports import Export
from promo.models.issues import Demand, Issue, PoolDay
from promo.models.publications import Publication
from promo.models.runs import (
    Evidence,
    PanelLease,
    ProfileVersion,
    ReplenishRun,
    RunKind,
    RunRow,
    RunState,
    RunStep,
)

__all__ = [
    "Code",
    "CodeEvent",
    "CodeState",
    "Demand",
    "Evidence",
    "Export",
    "Issue",
    "Lot",
    "PanelLease",
    "Pool",
    "PoolDay",
    "ProfileVersion",
    "Publication",
    "ReplenishRun",
    "RunKind",
    "RunRow",
    "RunState",
    "RunStep",
]
