"""The words and figures of the sample shop's products: ids, titles, shop colours, descriptions, prices.

They tell only a part of what the pictures show, as a shop's own columns do. The `colour` column is one everyday
word that several palettes share; `pattern` is "plain" or "patterned"; and a title names the pattern or the
colour in two cases of three, never both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from visrec.sample.palettes import PALETTES
from visrec.sample.patterns import PATTERNS
from visrec.sample.products import KINDS, Look

__all__ = ["Item", "describe", "item_id_of", "plan_looks"]

_PATTERN_WORD: Mapping[str, str] = MappingProxyType(
    {
        "plain": "plain",
        "stripes": "striped",
        "checks": "checked",
        "chevron": "zigzag",
        "dots": "dotted",
        "floral": "flowered",
    }
)
_NAMES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("bag", "backpack"): "backpack",
        ("bag", "satchel"): "satchel",
        ("chair", "armchair"): "armchair",
        ("chair", "wing"): "wing-back chair",
        ("mug", "cup"): "cup and saucer",
        ("rug", "runner"): "runner",
        ("shirt", "buttoned"): "button-up shirt",
        ("shirt", "sweater"): "sweater",
        ("shirt", "tank"): "tank top",
        ("shirt", "tee"): "T-shirt",
        ("vase", "amphora"): "amphora",
    }
)
"""What a shop calls a shape; any other is "SHAPE KIND", such as "bottle vase"."""
_CLOSINGS = (
    "Made in small batches.",
    "Each piece differs a little.",
    "Easy to care for.",
    "A quiet everyday piece.",
    "Goes well with wood and linen.",
    "Packed without plastic.",
)


@dataclass(frozen=True)
class Item:
    """One row of items.csv, in the order of its columns."""

    item_id: str
    title: str
    category: str
    colour: str
    pattern: str
    price: float
    description: str


def plan_looks(n_items: int, rng: np.random.Generator) -> list[Look]:
    """Looks of the whole catalogue.

    Every palette x pattern is there equally often (give or take one), and so is every kind; which kind comes in
    which palette and pattern is left to chance.

    Args:
        n_items: how many.
        rng: source of the choices.
    """
    pairs = [(palette, pattern) for palette in PALETTES for pattern in PATTERNS]
    kinds = list(KINDS)
    pair_of = rng.permutation(np.arange(n_items) % len(pairs))
    kind_of = rng.permutation(np.arange(n_items) % len(kinds))
    looks = []
    for pair_row, kind_row in zip(pair_of.tolist(), kind_of.tolist(), strict=True):
        kind = kinds[kind_row]
        shapes = KINDS[kind].shapes
        looks.append(Look(kind, shapes[int(rng.integers(len(shapes)))], *pairs[pair_row]))
    return looks


def item_id_of(number: int, kind: str) -> str:
    """Ids as shops have them, in three styles: "0012-vase", "0013" and "MU.0014".

    They are strings: as numbers, "0013" would lose its zeros.
    """
    style = number % 3
    if style == 0:
        return f"{number:04d}-{kind}"
    return f"{number:04d}" if style == 1 else f"{kind[:2].upper()}.{number:04d}"


def describe(number: int, look: Look, colour: str, rng: np.random.Generator) -> Item:
    """Write the row of a product.

    Args:
        number: its running number, from 1.
        look: what it looks like.
        colour: the shop's word for its colour.
        rng: decides what the title tells.
    """
    kind = KINDS[look.kind]
    name = _NAMES.get((look.kind, look.shape), f"{look.shape} {look.kind}")
    tells = int(rng.integers(3))
    if tells == 0:
        title = f"{_PATTERN_WORD[look.pattern]} {look.kind}"
    elif tells == 1:
        title = f"{name}, {colour}"
    else:
        title = f"{name} No. {number}"
    title = title[0].upper() + title[1:]
    article = "An" if name[0] in "aeiou" else "A"
    width, height = (round(size * float(rng.uniform(0.85, 1.2))) for size in kind.size)
    description = f"{article} {name} of {kind.material}, {width} x {height} cm. {rng.choice(_CLOSINGS)}"
    price = max(4.9, round(kind.price * float(rng.lognormal(0.0, 0.3))) - 0.1)
    return Item(
        item_id_of(number, look.kind),
        title,
        look.kind,
        colour,
        "plain" if look.pattern == "plain" else "patterned",
        price,
        description,
    )
