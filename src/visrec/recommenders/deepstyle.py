"""DeepStyle: what an item looks like, less what its category looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from visrec.core.protocols import Capabilities
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.vbpr import VBPR

__all__ = ["DeepStyle", "DeepStyleSettings"]


@dataclass(frozen=True)
class DeepStyleSettings(BPRSettings):
    """Settings of `DeepStyle`; see `BPRSettings`."""

    blocks: tuple[str, ...] = ("image", "category")


class DeepStyle(VBPR):
    """x(u, i) = b_i + u · (E x_i - l_i + γ_i) + β · x_i, with l_i the embedding of the item's category.

    Liu, Wu & Wang (2017), DeepStyle: Learning User Preferences for Visual Recommendation, SIGIR,
    doi:10.1145/3077136.3080658, with the loss of Bayesian Personalized Ranking. A picture says first of all what kind
    of thing it shows; that, l, is taken away, and what is left of E x_i is style. Deviations:

    * l_i = C c_i, with c_i the item's columns of all its categories, centred and reduced as the other features are,
      so that an item may be in several and a new one is placed without training.
    * Biases b and β, which the paper leaves out, as in `VBPR`; so are Adam, histories for users, and new items.
    * Text is not read unless `blocks` names it.

    Complexity: as `VBPR` with vectors of length dim. Parts: as `VBPR`; "category" is -u · l_i and its share of β.
    Limits: with one category for everything there is nothing to subtract: the block then has no columns.
    """

    id = "deepstyle"
    capabilities = Capabilities(needs=("image", "category"))
    _settings: ClassVar[type[Any]] = DeepStyleSettings
    _subtracted: ClassVar[tuple[str, ...]] = ("category",)
