"""Learns the words for patterns from drawn pictures, and prints the table for src/visrec/recognition/pattern.py.

    python tools/pattern_weights.py [--pictures 1500] [--sheet drawn.png]

Cloth of known pattern is drawn with folds, ribs, seams and grain, cut to garments, laid on paper and blurred as a
camera would; its measurements and a linear softmax give the table. No photograph is used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize
from scipy.special import log_softmax
from skimage.color import rgb2lab

from visrec.recognition.foreground import separate
from visrec.recognition.pattern import PATTERNS, readable
from visrec.recognition.texture import texture

Pixels = npt.NDArray[np.float64]
_FINER = 2
_HEIGHT = 192
#: Outlines in units of the garment's box: shirt, trousers, dress; None is cloth that fills the picture.
_OUTLINES: tuple[tuple[tuple[float, float], ...] | None, ...] = (
    (
        *((0.3, 0), (0.7, 0), (1, 0.15), (1, 0.45), (0.86, 0.45), (0.8, 0.25), (0.82, 1), (0.18, 1), (0.2, 0.25)),
        *((0.14, 0.45), (0, 0.45), (0, 0.15)),
    ),
    ((0.25, 0), (0.75, 0), (0.83, 1), (0.6, 1), (0.5, 0.35), (0.4, 1), (0.17, 1)),
    ((0.3, 0), (0.7, 0), (0.75, 0.3), (1, 1), (0, 1), (0.25, 0.3)),
    ((0, 0), (1, 0), (1, 1), (0, 1)),
    None,
)


def main() -> None:
    """Draw, measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--sheet", type=Path, default=None)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    if arguments.sheet:
        sheet(rng, arguments.sheet)
    # Plain cloth has most to be told from: folds, ribs and seams.
    names = [PATTERNS[place % 7] if place % 7 < len(PATTERNS) else "plain" for place in range(arguments.pictures)]
    measured = np.stack([texture(*seen(draw(rng, name))) for name in names])
    label = np.array([PATTERNS.index(name) for name in names])
    weight, right = fit(readable(measured), label)
    sys.stdout.write(f"# right on drawn pictures that were left out: {right:.3f}\n")
    for name, row in zip(PATTERNS, weight, strict=True):
        sys.stdout.write(f'    "{name}": ({", ".join(f"{value:.2f}" for value in row)}),\n')


def seen(picture: Image.Image) -> tuple[npt.NDArray[np.float32], object]:
    """What `texture` takes."""
    lab = rgb2lab(np.asarray(picture, dtype=np.float32) / 255).astype(np.float32)
    return lab, separate(lab)


def fit(features: npt.NDArray[np.float64], label: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], float]:
    """Multinomial logistic regression with a little ridge; the last column of the result is the bias."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-9
    inputs = np.hstack([(features - mean) / deviation, np.ones((len(features), 1))])
    held = np.arange(len(label)) % 5 == 0
    n_labels = len(PATTERNS)
    # Every pattern weighs the same, however many pictures it has.
    sample = 1 / np.bincount(label, minlength=n_labels)[label]

    def train(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        x, target, each = inputs[rows], np.eye(n_labels)[label[rows]], sample[rows] / sample[rows].sum()

        def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            weight = flat.reshape(n_labels, -1)
            logs = log_softmax(x @ weight.T, axis=1)
            slope = ((np.exp(logs) - target) * each[:, None]).T @ x + 0.01 * weight
            return float(-(logs * target * each[:, None]).sum() + 0.005 * (weight**2).sum()), slope.ravel()

        found = minimize(loss, np.zeros(n_labels * x.shape[1]), jac=True, method="L-BFGS-B")
        return np.asarray(found.x).reshape(n_labels, -1)

    right = ((inputs[held] @ train(~held).T).argmax(axis=1) == label[held]).mean()
    weight = train(np.ones(len(label), dtype=np.bool_))
    slopes = weight[:, :-1] / deviation
    return np.hstack([slopes, (weight[:, -1] - slopes @ mean)[:, None]]), float(right)


def draw(rng: np.random.Generator, name: str) -> Image.Image:
    """One picture of a pattern."""
    width = int(rng.choice([128, 128, 150, 192]))
    cloth = worn(rng, {"plain": plain, "striped": striped, "checked": checked, "dotted": dotted, "busy": busy}[name](
        rng, width * _FINER, _HEIGHT * _FINER
    ))  # fmt: skip
    outline = _OUTLINES[rng.integers(len(_OUTLINES))]
    if outline is not None:
        mask = Image.new("L", (width * _FINER, _HEIGHT * _FINER), 0)
        size = np.array(mask.size) * rng.uniform([0.35, 0.5], [0.85, 0.9])
        corners = (np.array(mask.size) - size) / 2 + np.array(outline) * size
        ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=255)
        inside = np.asarray(mask)[..., None] / 255
        cloth = cloth * inside + rng.uniform(225, 252) * (1 - inside)
    picture = Image.fromarray(np.clip(cloth, 0, 255).astype(np.uint8)).resize((width, _HEIGHT), Image.Resampling.BOX)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
    grain = rng.normal(0, rng.uniform(0.2, 2), (_HEIGHT, width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def plain(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """One colour."""
    return np.broadcast_to(colour(rng), (height, width, 3)).astype(float)


def striped(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Parallel bands of two or three colours."""
    (one, two), (along, _), period = colours(rng), directions(rng, width, height), scale(rng, 3, 28)
    cloth = np.where((along / period % 1 < rng.uniform(0.2, 0.8))[..., None], one, two)
    if rng.random() < 0.3:
        third = (along / period % 2 > 1.3) & (along / period % 2 < 1.6)
        cloth = np.where(third[..., None], colour(rng), cloth)
    return cloth.astype(float)


def checked(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Bands that cross, or lines that do."""
    (one, two), (along, across), period = colours(rng), directions(rng, width, height), scale(rng, 3, 28)
    share = 0.12 if rng.random() < 0.3 else rng.uniform(0.2, 0.8)
    amount = ((along / period % 1 < share).astype(float) + (across / period % 1 < share)) / 2
    if share == 0.12:
        amount = np.ceil(amount)
    cloth = one * amount[..., None] + two * (1 - amount[..., None])
    if rng.random() < 0.4:
        lines = ((along / period + 0.5) % 1 < 0.08) | ((across / period + 0.5) % 1 < 0.08)
        cloth = np.where(lines[..., None], colour(rng), cloth)
    return cloth


def dotted(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Discs of one size, in a lattice or strewn."""
    (one, two), (along, across), period = colours(rng), directions(rng, width, height), scale(rng, 4, 28)
    radius = period * rng.uniform(0.14, 0.36)
    if rng.random() < 0.7:
        across = across / period
        along = along / period + 0.5 * (np.floor(across) % 2) * rng.integers(2)
        inside = np.hypot(along % 1 - 0.5, across % 1 - 0.5) * period < radius
        return np.where(inside[..., None], two, one).astype(float)
    cloth = Image.new("RGB", (width, height), tuple(one))
    pen = ImageDraw.Draw(cloth)
    for x, y in rng.uniform(0, [width, height], (min(int(width * height / period**2 * 0.8), 3000), 2)):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(two))
    return np.asarray(cloth).astype(float)


def busy(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Flowers, skins, scraps or curls in several colours."""
    one, two = colours(rng)
    palette = [two, *(colour(rng) for _ in range(rng.integers(1, 5)))]
    size, motif = scale(rng, 3, 16), rng.integers(4)
    if motif == 0:
        cloth = np.broadcast_to(one, (height, width, 3)).astype(float)
        for shade in palette[:3]:
            noise = gaussian_filter(rng.normal(size=(height, width)), size * rng.uniform(0.3, 1, 2))
            cloth = np.where((noise > noise.std() * rng.uniform(0.1, 1))[..., None], shade, cloth)
        return cloth
    canvas = Image.new("RGB", (width, height), tuple(one))
    pen = ImageDraw.Draw(canvas)
    for x, y in rng.uniform(0, [width, height], (min(int(width * height / size**2 * rng.uniform(0.1, 0.5)), 2500), 2)):
        ink = tuple(palette[rng.integers(len(palette))])
        if motif == 1:
            reach, turn, petals = size * rng.uniform(0.4, 1.5), rng.uniform(0, 6), rng.integers(3, 7)
            for angle in turn + 2 * np.pi * np.arange(petals) / petals:
                px, py = x + 0.6 * reach * np.cos(angle), y + 0.6 * reach * np.sin(angle)
                pen.ellipse((px - 0.4 * reach, py - 0.4 * reach, px + 0.4 * reach, py + 0.4 * reach), fill=ink)
        elif motif == 2:
            corners = np.array([x, y]) + size * rng.normal(0, 0.8, (rng.integers(3, 6), 2))
            pen.polygon([tuple(corner) for corner in corners], fill=ink)
        else:
            reach, turn = size * rng.uniform(0.5, 2), rng.uniform(0, 360)
            box = (x - reach, y - reach, x + reach, y + reach)
            pen.arc(box, turn, turn + rng.uniform(60, 300), fill=ink, width=max(1, int(size * rng.uniform(0.1, 0.5))))
    return np.asarray(canvas).astype(float)


def worn(rng: np.random.Generator, cloth: Pixels) -> Pixels:
    """Folds, ribs and grain as light and shade; seams, buttons and small prints."""
    height, width = cloth.shape[:2]
    light = np.ones((height, width))

    def shade(size: tuple[int, ...], sigma: npt.ArrayLike) -> Pixels:
        noise = gaussian_filter(rng.normal(size=size), sigma)
        return np.asarray(noise / (noise.std() + 1e-9))

    for _ in range(rng.integers(0, 3)):
        sigma = _FINER * rng.uniform([6, 2], [40, 10])
        light *= 1 + rng.uniform(0, 0.1) * shade((height, width), sigma)
    if rng.random() < 0.5:
        sigma, lean = _FINER * rng.uniform(1, 8), rng.normal(0, 0.15)
        if rng.random() < 0.25:
            folds = shade((height,), sigma)[:, None]
        else:
            folds = shade((width,), sigma)[(np.arange(width) + lean * np.arange(height)[:, None]).astype(int) % width]
        light = light * (1 + rng.uniform(0.01, 0.13) * folds)
    if rng.random() < 0.25:
        place = np.arange(width)[None] if rng.random() < 0.8 else np.arange(height)[:, None]
        light = light * (1 + rng.uniform(0.01, 0.06) * np.sin(2 * np.pi * place / (_FINER * rng.uniform(2, 5))))
    if rng.random() < 0.4:
        light *= 1 + rng.uniform(0, 0.09) * shade((height, width), _FINER * rng.uniform(0.3, 1.2, 2))
    picture = Image.fromarray(np.clip(cloth * light[..., None], 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 5)):
        x, y = rng.uniform(0, [width, height])
        ink = tuple((np.array(picture.getpixel((x, y))) * rng.uniform(0.4, 0.95)).astype(int))
        if rng.random() < 0.6:
            pen.line((x, y, *rng.uniform(0, [width, height])), fill=ink, width=int(rng.integers(1, 1 + 2 * _FINER)))
        else:
            reach = _FINER * rng.uniform(1, 4)
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)
    return np.asarray(picture).astype(float)


def colour(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Grey one time in three."""
    if rng.random() < 0.35:
        return np.clip(rng.integers(10, 250) + rng.integers(-8, 9, 3), 0, 255)
    return rng.integers(10, 245, 3)


def colours(rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Two that differ in lightness."""
    while True:
        one, two = colour(rng), colour(rng)
        if abs(np.dot([0.3, 0.59, 0.11], one - two)) > 25 + rng.exponential(15):
            return one, two


def directions(rng: np.random.Generator, width: int, height: int) -> tuple[Pixels, Pixels]:
    """Coordinates along and across, mostly upright or level, on cloth that does not lie quite flat."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    angle = rng.choice([0, np.pi / 2]) if rng.random() < 0.9 else rng.uniform(0, np.pi)
    angle += rng.normal(0, 0.04)
    bend = np.zeros(1)
    if rng.random() < 0.7:
        bend = rng.uniform(0, 4) * _FINER * np.sin(2 * np.pi * (y / height * rng.uniform(0.5, 2) + rng.random()))
    return x * np.cos(angle) + y * np.sin(angle) + bend, y * np.cos(angle) - x * np.sin(angle) + bend


def scale(rng: np.random.Generator, low: float, high: float) -> float:
    """Pixels of the fine drawing; small ones as likely as large ones."""
    return float(_FINER * np.exp(rng.uniform(np.log(low), np.log(high))))


def sheet(rng: np.random.Generator, path: Path) -> None:
    """Ten of each, to look at."""
    page = Image.new("RGB", (10 * 130, len(PATTERNS) * 195), "white")
    for row, name in enumerate(PATTERNS):
        for column in range(10):
            picture = draw(rng, name)
            picture.thumbnail((128, _HEIGHT))
            page.paste(picture, (column * 130, row * 195))
    page.save(path)


if __name__ == "__main__":
    main()
