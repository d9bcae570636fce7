"""The kinds of product, and how one of them is drawn in a given look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image

from visrec.sample.canvas import Canvas, Placement
from visrec.sample.cloth import Cloth
from visrec.sample.clothing import draw_bag, draw_dress, draw_shirt
from visrec.sample.furniture import draw_chair, draw_clock, draw_lamp
from visrec.sample.palettes import PALETTES, Colourway, colourway_of
from visrec.sample.picture import paint_picture
from visrec.sample.pottery import draw_mug, draw_vase
from visrec.sample.textiles import draw_cushion, draw_rug

__all__ = ["KINDS", "Kind", "Look", "draw_product"]

Draw = Callable[[Canvas, str, np.random.Generator], None]


@dataclass(frozen=True)
class Kind:
    """A kind of product.

    Attributes:
        shapes: its silhouettes.
        draw: draws one of them.
        price: what a middling one costs.
        material: what descriptions say it is made of.
        size: width and height of a middling one in centimetres.
        stands: on a floor or a table; otherwise it lies or hangs.
        repeat: range of the pattern's repeat in finished pixels.
    """

    shapes: tuple[str, ...]
    draw: Draw
    price: float
    material: str
    size: tuple[int, int]
    stands: bool
    repeat: tuple[float, float] = (20.0, 32.0)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "vase": Kind(
            ("bottle", "amphora", "globe", "column", "gourd"), draw_vase, 38, "glazed stoneware", (18, 28), True
        ),
        "mug": Kind(("straight", "barrel", "tapered", "cup"), draw_mug, 14, "porcelain", (12, 10), True),
        "lamp": Kind(("cone", "drum", "dome", "tripod"), draw_lamp, 79, "linen and steel", (32, 55), True),
        "chair": Kind(
            ("armchair", "dining", "shell", "wing"), draw_chair, 240, "cotton on a beech frame", (72, 84), True
        ),
        "clock": Kind(
            ("round", "square", "sunburst", "alarm"), draw_clock, 45, "lacquered metal", (30, 30), False, (15.0, 22.0)
        ),
        "cushion": Kind(("square", "lumbar", "round", "tasselled"), draw_cushion, 29, "washed cotton", (45, 45), False),
        "rug": Kind(("fringed", "runner", "round", "bordered"), draw_rug, 130, "hand-woven wool", (140, 200), False),
        "shirt": Kind(("tee", "buttoned", "sweater", "tank"), draw_shirt, 35, "organic cotton", (52, 70), False),
        "dress": Kind(("flared", "shift", "belted", "maxi"), draw_dress, 69, "viscose", (48, 105), False),
        "bag": Kind(("tote", "bucket", "satchel", "backpack"), draw_bag, 59, "waxed canvas", (36, 38), True),
    }
)


@dataclass(frozen=True)
class Look:
    """What a product looks like: the truth that its picture shows."""

    kind: str
    shape: str
    palette: str
    pattern: str


def draw_product(look: Look, rng: np.random.Generator) -> tuple[Image.Image, Colourway]:
    """Draw one product.

    Args:
        look: what it is to look like.
        rng: decides all that a look leaves open: proportions, placement, dye lot, the wall behind it.

    Returns:
        The picture, RGB and square, and the colours that it came out in.
    """
    kind = KINDS[look.kind]
    canvas = Canvas()
    kind.draw(canvas, look.shape, rng)
    placement = Placement(
        size=float(rng.uniform(60, 68)),
        turn=0.0 if kind.stands else float(rng.normal(0, 3.0)),
        mirror=bool(rng.random() < 0.5),
        foot=float(rng.uniform(88, 91)) if kind.stands else None,
        shift=float(rng.normal(0, 1.0)),
    )
    colours = colourway_of(PALETTES[look.palette], rng)
    cloth = Cloth(
        pattern=look.pattern,
        variant=int(rng.integers(4)),
        repeat=float(rng.uniform(*kind.repeat)),
        turn=float(rng.choice([0.0, 0.0, 0.0, np.pi / 4])) if look.pattern in ("stripes", "checks") else 0.0,
        origin=(float(rng.random()), float(rng.random())),
        colours=colours,
    )
    return paint_picture(canvas.parts(placement), cloth, rng, stands=kind.stands), colours
