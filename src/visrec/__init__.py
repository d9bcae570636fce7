"""A visual recommender: images and behaviour in, ranked and measured recommendations out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visrec.catalogue.interactions import Interaction
    from visrec.client import Client
    from visrec.core.ranking import RankedItem, Ranking
    from visrec.workspace.examples import Example, Query
    from visrec.workspace.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["Client", "Example", "Interaction", "Query", "RankedItem", "Ranking", "Workspace", "__version__"]

#: Public name -> its module. Loaded at first use, so that `import visrec` stays fast.
_HOMES = {
    "Client": "visrec.client",
    "Example": "visrec.workspace.examples",
    "Interaction": "visrec.catalogue.interactions",
    "Query": "visrec.workspace.examples",
    "RankedItem": "visrec.core.ranking",
    "Ranking": "visrec.core.ranking",
    "Workspace": "visrec.workspace.workspace",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'visrec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
