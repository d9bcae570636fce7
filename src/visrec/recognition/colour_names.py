"""Names of colours, and how near a colour is to each of them.

The words are the eleven basic colour terms (Berlin & Kay 1969, Basic Color Terms) and the words that shops add to
them. Each has a few reference colours, as lightness, chroma and hue of CIELAB under D65. They were set by hand, along
the regions of the ISCC-NBS method of designating colours (Kelly & Judd 1976, Color, NBS Special Publication 440), for
things as they are photographed, not for screens: a black coat has a lightness of 10 to 20. Which word some of them
belong to was decided by looking at 2,000 articles of hm-fashion.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["COLOUR_NAMES", "colour_of", "distances_to_names", "reference_colours"]

#: Name -> (lightness 0 … 100, chroma, hue in degrees) of its reference colours.
_REFERENCES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((8, 2, 0), (15, 3, 0), (20, 3, 280), (20, 3, 60), (24, 2, 0)),
    "grey": ((34, 2, 270), (42, 2, 90), (50, 2, 0), (60, 2, 0), (70, 2, 0), (50, 6, 270), (62, 5, 270)),
    "light grey": ((77, 2, 0), (82, 2, 0), (78, 4, 270)),
    "white": ((94, 2, 90), (97, 1, 0), (91, 2, 270), (93, 3, 0), (89, 2, 0)),
    "cream": ((92, 9, 90), (89, 13, 90), (93, 6, 90)),
    "beige": ((82, 12, 80), (75, 16, 75), (80, 18, 80), (68, 17, 72), (85, 10, 70)),
    "taupe": ((60, 8, 60), (50, 8, 60), (68, 8, 60)),
    "brown": ((24, 14, 50), (34, 25, 60), (42, 28, 60), (20, 9, 50), (48, 30, 65), (30, 12, 60)),
    "khaki": ((35, 14, 105), (45, 18, 105), (28, 9, 110), (55, 18, 105), (40, 10, 115)),
    "green": (
        *((45, 40, 150), (30, 20, 155), (22, 12, 160), (60, 45, 140), (75, 30, 140), (70, 15, 150), (50, 12, 160)),
        *((36, 11, 170), (75, 12, 130), (60, 22, 122), (80, 40, 125)),
    ),
    "turquoise": ((45, 25, 200), (65, 30, 195), (30, 18, 205), (80, 20, 200)),
    "blue": ((35, 40, 280), (45, 30, 265), (55, 30, 260), (30, 45, 290), (45, 18, 265), (52, 13, 260)),
    "light blue": ((75, 18, 255), (85, 10, 255), (70, 22, 260), (65, 12, 260)),
    "navy": ((15, 14, 285), (20, 16, 280), (25, 18, 278), (13, 9, 285)),
    "purple": ((30, 35, 315), (40, 40, 315), (22, 18, 320)),
    "lilac": ((70, 20, 310), (78, 14, 315), (60, 20, 320)),
    "pink": ((65, 35, 5), (60, 30, 15), (70, 25, 15)),
    "light pink": ((84, 12, 15), (80, 18, 10), (89, 7, 15)),
    "magenta": ((50, 60, 355), (45, 65, 345)),
    "red": ((40, 60, 30), (45, 65, 33), (35, 50, 25), (52, 55, 30)),
    "burgundy": ((22, 28, 15), (28, 32, 15), (18, 18, 15)),
    "orange": ((62, 65, 60), (55, 50, 52), (75, 40, 65), (48, 48, 50), (76, 24, 50), (82, 22, 60), (62, 36, 45)),
    "yellow": ((85, 70, 92), (88, 50, 95), (80, 75, 85), (92, 30, 98)),
    "mustard": ((65, 60, 82), (58, 50, 85), (70, 65, 80)),
}
COLOUR_NAMES: tuple[str, ...] = tuple(_REFERENCES)
"""All names, in the order of `distances_to_names`."""


def reference_colours() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The reference colours.

    Returns:
        float64 (n, 3), CIELAB; and int64 (n,), places in `COLOUR_NAMES`.
    """
    lightness, chroma, hue = np.array([colour for colours in _REFERENCES.values() for colour in colours]).T
    names = np.repeat(np.arange(len(_REFERENCES)), [len(colours) for colours in _REFERENCES.values()])
    angle = np.deg2rad(hue)
    return np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1), names


def colour_of(name: str) -> tuple[int, int, int] | None:
    """RGB of the middle of a name's reference colours; None where it is none of `COLOUR_NAMES`."""
    from skimage.color import lab2rgb

    if name not in _REFERENCES:
        return None
    references, names = reference_colours()
    middle = np.median(references[names == COLOUR_NAMES.index(name)], axis=0)
    red, green, blue = np.rint(255 * lab2rgb(middle)).astype(int).tolist()
    return red, green, blue


def distances_to_names(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How far colours are from each name, that is from the nearest of its reference colours.

    Args:
        lab: float32 (n, 3), CIELAB.

    Returns:
        float32 (n, n_names), CIEDE2000.
    """
    from skimage.color import deltaE_ciede2000

    # A step of 1 is just noticeable: colours of a catalogue fall together by the thousand.
    colours, back = np.unique(np.rint(lab), axis=0, return_inverse=True)
    references, names = reference_colours()
    nearest = np.full((len(colours), len(COLOUR_NAMES)), np.inf, dtype=np.float32)
    # One reference at a time: all at once would take a hundred times the memory of the catalogue's palettes.
    for reference, name in zip(references, names, strict=True):
        distance = deltaE_ciede2000(colours, reference[None])
        nearest[:, name] = np.minimum(nearest[:, name], distance)
    return nearest[back.reshape(-1)]
