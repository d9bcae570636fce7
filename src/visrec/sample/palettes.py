"""The named palettes of the sample shop, and the colourways that a product can have in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

__all__ = ["PALETTES", "Colour", "Colourway", "Palette", "colourway_of"]

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Colourway:
    """The four colours of one product, and what a shop would call it.

    Attributes:
        ground: what most of the product is covered with.
        motif: the pattern on it.
        accent: small parts, and the pattern's second colour.
        deep: edges, linings and handles.
        name: the shop's one-word colour; several palettes share a word, so it gives a palette away in part only.
    """

    ground: Colour
    motif: Colour
    accent: Colour
    deep: Colour
    name: str

    @property
    def tint(self) -> Colour:
        """The colour that goes well behind the product: its accent, half way to white."""
        red, green, blue = ((value + 250) // 2 for value in self.accent)
        return red, green, blue


@dataclass(frozen=True)
class Palette:
    """A named family of colours.

    Attributes:
        name: such as "ocean".
        colourways: the combinations that products of this palette come in.
    """

    name: str
    colourways: tuple[Colourway, ...]


def _rgb(digits: str) -> Colour:
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _palette(name: str, *rows: str) -> Palette:
    """Each row is "ground motif accent deep shop-name", colours as six hex digits."""
    colourways = []
    for row in rows:
        ground, motif, accent, deep, shop_name = row.split()
        colourways.append(Colourway(_rgb(ground), _rgb(motif), _rgb(accent), _rgb(deep), shop_name))
    return Palette(name, tuple(colourways))


_ALL = (
    _palette(
        "ocean",
        "2b7a9b e6f1f2 8fd0d3 16405b blue",
        "1f4a72 9fd3e0 f2efe4 12304d blue",
        "3fa7a8 eef6f3 1d4f73 1b5566 green",
        "dcebee 2a6f97 4fb3bf 1d4e6b white",
    ),
    _palette(
        "ember",
        "c8452f f7dfc2 f2a541 7a2318 red",
        "e0743a fbe9d0 9e2b25 7d3517 red",
        "8e2f26 f0a95b f6e3c8 571a16 brown",
        "f6e2cf c9472f ec8b3c 8a2c1d white",
    ),
    _palette(
        "forest",
        "3f6b45 e4e8cf a9bf6a 22402b green",
        "5f7d3c eef0d8 26472e 36501f green",
        "274a3a a8c686 e9e6cf 17301f green",
        "e6ead6 48764a 8fa955 2d5133 white",
    ),
    _palette(
        "mono",
        "2b2b2d f1f0ee 9a9a9c 141416 black",
        "8d8e92 f4f4f3 2e2e31 4a4b50 grey",
        "f2f1ef 2c2c2f 9b9b9f 47474b white",
        "55565b dcdcdb f5f5f4 2a2a2d grey",
    ),
    _palette(
        "pastel",
        "f2b8c6 fff6f0 b7dcd2 cf8aa0 pink",
        "b5e0d0 fff7ee f5bccb 7fb8a6 green",
        "cdbfe6 fdf6f7 f8d9a8 9c8bc0 purple",
        "bcd9f0 fffaf3 f6c1cf 86add0 blue",
    ),
    _palette(
        "brass",
        "c8982f f7edd2 6b4a21 7c5a1c yellow",
        "dbb04a 5b3d1c fbf1d8 8a6420 yellow",
        "7a5427 e8c872 f5ead0 48300f brown",
        "f3e7c6 b98724 6d4b1f 8b6521 white",
    ),
    _palette(
        "berry",
        "8b2a6b f6dcea e58ab8 4d1640 purple",
        "b83a7c fbe6ee 5a1e58 6d1d4f pink",
        "4f2259 d99ad0 f7e4ee 2d1136 purple",
        "f4dfea a1307a 6a2a6e 6c2057 white",
    ),
)

PALETTES: Mapping[str, Palette] = MappingProxyType({palette.name: palette for palette in _ALL})


def colourway_of(palette: Palette, rng: np.random.Generator) -> Colourway:
    """One of a palette's colourways, with its colours shifted a little as dye lots are.

    Args:
        palette: where to choose from.
        rng: source of the choice.

    Returns:
        A colourway within about 7 grey levels of a listed one.
    """
    chosen = palette.colourways[int(rng.integers(len(palette.colourways)))]
    shift = rng.normal(0.0, 3.0, size=3) + rng.normal(0.0, 4.0)

    def dyed(colour: Colour) -> Colour:
        red, green, blue = np.clip(np.asarray(colour) + shift, 0, 255).round().astype(int).tolist()
        return red, green, blue

    return Colourway(dyed(chosen.ground), dyed(chosen.motif), dyed(chosen.accent), dyed(chosen.deep), chosen.name)
