"""Pictures whose content is known, because they are drawn here."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from skimage.color import rgb2lab

PAPER = (240, 239, 236)


def plain(colour, size=(96, 96)):
    return Image.new("RGB", size, colour)


def article(colour, size=(96, 128), ground=PAPER, box=(0.25, 0.2, 0.75, 0.8)):
    """A rectangle of one colour on paper."""
    picture = Image.new("RGB", size, ground)
    width, height = size
    corners = (box[0] * width, box[1] * height, box[2] * width - 1, box[3] * height - 1)
    ImageDraw.Draw(picture).rectangle(corners, fill=colour)
    return picture


def lab_of(picture):
    return rgb2lab(np.asarray(picture)).astype(np.float32)


def stripes(period, size=(120, 160), one=(222, 210, 170), two=(20, 30, 90), upright=False):
    """Bands of half a period each."""
    width, height = size
    place = np.arange(width)[None, :] if upright else np.arange(height)[:, None]
    dark = np.broadcast_to(place % period < period / 2, (height, width))
    return Image.fromarray(np.where(dark[..., None], two, one).astype(np.uint8))


def checks(period, size=(120, 160), one=(222, 210, 170), two=(150, 20, 20)):
    """Bands of half a period that cross."""
    width, height = size
    amount = (np.arange(width)[None, :] % period < period / 2) * 0.5 + (
        np.arange(height)[:, None] % period < period / 2
    ) * 0.5
    return Image.fromarray(
        (np.array(one) * (1 - amount[..., None]) + np.array(two) * amount[..., None]).astype(np.uint8)
    )


def dots(period, radius, size=(120, 160), one=(30, 40, 90), two=(222, 210, 170)):
    """Discs in a square lattice."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) % period - period / 2, np.arange(height) % period - period / 2)
    return Image.fromarray(np.where((np.hypot(x, y) < radius)[..., None], two, one).astype(np.uint8))


def flowers(seed=0, size=(120, 160), n=90):
    """Petals of four colours, anywhere."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", size, (225, 205, 180))
    pen = ImageDraw.Draw(picture)
    inks = [(200, 40, 60), (40, 110, 60), (240, 190, 50), (60, 60, 140)]
    for x, y in rng.uniform(0, size, (n, 2)):
        reach = rng.uniform(3, 9)
        ink = inks[rng.integers(4)]
        for angle in rng.uniform(0, 6) + np.arange(5) * 2 * np.pi / 5:
            px, py = x + reach * 0.6 * np.cos(angle), y + reach * 0.6 * np.sin(angle)
            pen.ellipse((px - reach * 0.4, py - reach * 0.4, px + reach * 0.4, py + reach * 0.4), fill=ink)
    return picture


def on_paper(cloth, margin=20):
    """Cloth laid on paper."""
    width, height = cloth.size
    picture = Image.new("RGB", (width + 2 * margin, height + 2 * margin), PAPER)
    picture.paste(cloth, (margin, margin))
    return picture
