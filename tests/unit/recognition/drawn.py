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
