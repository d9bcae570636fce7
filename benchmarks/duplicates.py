"""Which copies of a picture are found, and what else is taken for one?

    visrec recognize WORKSPACE
    python benchmarks/duplicates.py WORKSPACE [--pictures 60]

Pictures drawn at random are changed as shops and caches change them; a copy is found where hash, embedding and pixels
all agree with the original's. `visrec duplicates WORKSPACE --sheet FILE.png` shows what the catalogue itself holds.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from visrec import Workspace
from visrec.core.settings import ImageLimits
from visrec.encoders.registry import image_encoder
from visrec.images.decode import decode
from visrec.recognition.appearance import Appearance
from visrec.recognition.duplicates import SAME_PIXELS, likely_pairs, pixel_difference, thumbnail
from visrec.workspace.assemble import unit_rows

COSINES = (0.9, 0.95, 0.97, 0.98, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    parser.add_argument("--pictures", type=int, default=60)
    arguments = parser.parse_args()
    shop = Workspace.open(arguments.workspace)
    files = dict(zip(*(shop.catalogue.images().column(name).to_pylist() for name in ("sha256", "path")), strict=True))
    chosen = np.random.default_rng(0).permutation(sorted(files.values()))[: arguments.pictures]
    originals = []
    for path in chosen.tolist():
        with open(path, "rb") as file:
            originals.append(decode(file.read(), ImageLimits()))
    first = look(originals)
    print(f"| change | found, of {len(originals)} |\n| --- | ---: |")
    for name, change in CHANGES.items():
        copies = [change(picture) for picture in originals]
        print(f"| {name} | {found(first, look(copies), originals, copies):.2f} |")
    by_cosine(shop)
    groups = shop.attributes.duplicates()
    print(f"\nIn the catalogue: {sum(group.same_file for group in groups)} groups of one file,", end=" ")
    print(f"{sum(not group.same_file for group in groups)} of near copies.")


def by_cosine(shop: Workspace) -> None:
    """Pairs of different files by the cosine of their embeddings alone, as lists take copies out: right and wrong."""
    items = shop.item_features()
    group = -1 - np.arange(len(items))
    for number, found_group in enumerate(shop.attributes.duplicates()):
        group[items.item_ids.rows(found_group.item_ids)] = number
    file = np.unique(items.pictures.keys, return_inverse=True)[1]
    embeddings = items.blocks["image"].matrix
    cosines, right = [np.zeros(0, np.float32)], [np.zeros(0, np.bool_)]
    for start in range(0, len(items), 1024):
        strip = embeddings[start : start + 1024] @ embeddings.T
        one, two = np.nonzero(strip >= COSINES[0])
        cosine, one = strip[one, two], one + start
        kept = (one < two) & (file[one] != file[two])
        cosines.append(cosine[kept])
        right.append((group[one] == group[two])[kept])
    print("\n| cosine of at least | copies, pixels agree | no copies |\n| ---: | ---: | ---: |")
    for least in COSINES:
        there = np.concatenate(cosines) >= least
        agree = np.concatenate(right)
        print(f"| {least:g} | {(there & agree).sum():,} | {(there & ~agree).sum():,} |")


def look(pictures: list[Image.Image]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
    """Hashes and embeddings."""
    appearance, encoder = Appearance(), image_encoder("efficientnet-lite0")
    measured = np.stack([appearance.preprocess(picture) for picture in pictures])
    embedded = encoder.embed(np.stack([encoder.preprocess(picture) for picture in pictures]))
    return appearance.hashes(measured), unit_rows(embedded)


def found(
    first: tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]],
    second: tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]],
    originals: list[Image.Image],
    copies: list[Image.Image],
) -> float:
    """Share of the copies that are paired with their original."""
    pairs, _ = likely_pairs(*(np.concatenate(both) for both in zip(first, second, strict=True)))
    n = len(originals)
    likely = {one for one, two in pairs.tolist() if two == one + n}
    return sum(pixel_difference(thumbnail(originals[one]), thumbnail(copies[one])) <= SAME_PIXELS for one in likely) / n


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    """Through a JPEG file."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(picture: Image.Image, share: float) -> Image.Image:
    """Without so much of each side."""
    x, y = int(picture.width * share), int(picture.height * share)
    return picture.crop((x, y, picture.width - x, picture.height - y))


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "twice the size": lambda picture: picture.resize((picture.width * 2, picture.height * 2)),
    "JPEG quality 60": lambda picture: compressed(picture, 60),
    "JPEG quality 30": lambda picture: compressed(picture, 30),
    "5 % darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.95),
    "2 % cut off each side": lambda picture: cropped(picture, 0.02),
}

if __name__ == "__main__":
    main()
