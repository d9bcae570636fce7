"""Do explanations hold? Deletion and insertion against random regions, stability, agreement, additivity, speed.

    python benchmarks/explanations.py SHOP [--model visual-knn] [--pairs 100] [--samples 80] [--methods lime,shap]
    python benchmarks/explanations.py SHOP --cost     # only what the reasons of a list cost

SHOP is a workspace whose pictures are encoded and whose model is trained on them, such as ml100k-posters. Prints
markdown. The figures of BENCHMARKS.md come from this command.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

import visrec
from visrec.core.list_options import ListOptions
from visrec.core.protocols import ImageEncoder
from visrec.encoders.registry import image_encoder
from visrec.explanation.curves import area_under, deletion_masks, insertion_masks
from visrec.explanation.regions import Labels, superpixels
from visrec.workspace.explain_regions import SeenPicture, Stage, picture_value, region_map, see

Vector = npt.NDArray[np.float64]
Score = Callable[[npt.NDArray[np.float32]], Vector]
STEPS, RANDOM, STABILITY = 6, 2, 15


def pairs_of(shop: visrec.Workspace, model: str, n: int) -> list[tuple[str, str]]:
    """One of the ten best items of each of n users with five likes or more, drawn with a fixed seed."""
    generator = np.random.default_rng(0)
    histories = shop.dataset().histories
    n_liked = np.diff(histories.liked().indptr)
    users = [histories.user_ids[row] for row in generator.permutation(np.flatnonzero(n_liked >= 5))]
    items = shop.item_features()
    pairs = []
    for ranking in shop.recommend_many(users[: 2 * n], 10, model=model):
        ids = [i for i in ranking.item_ids if items.blocks["image"].present[items.item_ids.index(i)]]
        if ids:
            pairs.append((str(ranking.user_id), ids[int(generator.integers(len(ids)))]))
    return pairs[:n]


def on_superpixels(values: Vector, grid: Labels, labels: Labels) -> Vector:
    """A map over a grid as one over superpixels: the mean over the pixels of each."""
    return np.bincount(labels.ravel(), values[grid].ravel()) / np.bincount(labels.ravel())


def curves(value: Callable[..., Vector], weights: Vector, labels: Labels, whole: float, hidden: float) -> Vector:
    """Areas under the deletion and the insertion curve, with the score from 0 (all hidden) to 1 (whole)."""
    masks = [deletion_masks(weights, labels, STEPS), insertion_masks(weights, labels, STEPS)]
    found = value(np.concatenate([mask[1:-1] for mask in masks])).reshape(2, STEPS - 1)
    ends = [(whole, hidden), (hidden, whole)]
    rows = [np.concatenate([[first], row, [last]]) for (first, last), row in zip(ends, found, strict=True)]
    span = whole - hidden
    return np.array([area_under((row - hidden) / span) for row in rows])


class Subject:
    """One user and item, ready to be asked."""

    def __init__(self, shop: visrec.Workspace, encoder: ImageEncoder, model: str, user: str, item: str) -> None:
        told = shop.explanations
        asked = told.asked(user, model)
        row = int(told.rows(asked.items.item_ids, [item])[0])
        images = shop.catalogue.images()
        place = images.column("item_id").to_pylist().index(item)
        self.encoder = encoder
        self.file = images.column("path").to_pylist()[place]
        self.picture = see(self.encoder, Path(self.file), shop.limits)
        self.score: Score = Stage.of(asked.history, asked.items, row, asked.model).score

    def map(self, method: str, samples: int, picture: SeenPicture | None = None) -> tuple[Vector, Labels, float, float]:
        """Weights, regions, and the scores of the whole and of the hidden picture."""
        found = region_map(picture or self.picture, self.encoder, self.score, method, samples)
        return found.weights, found.labels, found.whole, found.hidden


def changed(picture: SeenPicture, seed: int) -> SeenPicture:
    """The picture a little lighter, with a little noise: what another camera or compression does."""
    noise = np.random.default_rng(seed).normal(4, 4, picture.inputs.shape)
    inputs = np.clip(picture.inputs + noise, 0, 255).astype(np.uint8)
    return SeenPicture(picture.file, picture.pixels, inputs, picture.fill)


def interval(differences: Vector) -> str:
    """Mean and 95 % interval of paired differences, by bootstrap over pairs."""
    draws = np.random.default_rng(0).integers(len(differences), size=(10_000, len(differences)))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return f"{differences.mean():+.3f} ({low:+.3f} … {high:+.3f})"


class Judged:
    """What was found of the pairs so far."""

    def __init__(self, methods: list[str]) -> None:
        self.areas: dict[str, list[Vector]] = {name: [] for name in (*methods, "random")}
        self.agreement: list[float] = []
        self.stability: dict[str, list[float]] = {name: [] for name in methods if name != "occlusion"}
        self.left_out = 0

    def add(self, subject: Subject, number: int, samples: int) -> None:
        """Judge the maps of one pair."""
        labels = superpixels(subject.picture.pixels)
        value = picture_value(subject.picture, labels, subject.encoder, subject.score)
        maps = {}
        for method in self.stability:
            maps[method], _, whole, hidden = subject.map(method, samples)
        if whole <= hidden * 1.2 or labels.max() < 4:
            # What all regions together do not raise, none of them can be found to raise.
            self.left_out += 1
            return
        self.agreement.append(spearmanr(maps["lime"], maps["shap"])[0])
        if len(self.stability["lime"]) < STABILITY:
            for method, found in self.stability.items():
                again = subject.map(method, samples, changed(subject.picture, number))[0]
                found.append(spearmanr(maps[method], again)[0])
        if "occlusion" in self.areas:
            grid, cells, _, _ = subject.map("occlusion", samples)
            maps["occlusion"] = on_superpixels(grid, cells, labels)
        for method, weights in maps.items():
            self.areas[method].append(curves(value, weights, labels, whole, hidden))
        generator = np.random.default_rng(number)
        drawn = [generator.permutation(labels.max() + 1).astype(np.float64) for _ in range(RANDOM)]
        self.areas["random"].append(np.mean([curves(value, one, labels, whole, hidden) for one in drawn], axis=0))

    def table(self) -> None:
        """Print it."""
        print(
            "| regions by | deletion AUC | less random | insertion AUC | less random |\n| --- | --- | --- | --- | --- |"
        )
        random = np.array(self.areas["random"])
        for name, rows in self.areas.items():
            mean, less = np.mean(rows[: len(random)], axis=0), np.array(rows[: len(random)]) - random
            beside = ["", ""] if name == "random" else [interval(less[:, 0]), interval(less[:, 1])]
            print(f"| {name} | {mean[0]:.3f} | {beside[0]} | {mean[1]:.3f} | {beside[1]} |")
        print(f"\nLIME and SHAP agree: Spearman {np.mean(self.agreement):.2f}.", end=" ")
        for method, found in self.stability.items():
            print(f"{method} on a lighter, noisy picture, {len(found)} pairs: {np.mean(found):.2f}.", end=" ")
        print("\n", flush=True)


def faithfulness(
    shop: visrec.Workspace,
    encoder: ImageEncoder,
    model: str,
    pairs: list[tuple[str, str]],
    samples: int,
    methods: list[str],
) -> None:
    judged = Judged(methods)
    try:
        for number, (user, item) in enumerate(pairs):
            judged.add(Subject(shop, encoder, model, user, item), number, samples)
            if number % 5 == 4:
                sys.stderr.write(f"{number + 1} pairs\n")
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: what follows is of the pairs that are done.\n")
    print(
        f"{len(judged.areas['random'])} pairs ({judged.left_out} left out: the whole picture scores hardly more than a "
        f"hidden one), {model}, {samples} samples a map.\n"
    )
    judged.table()


def additivity(shop: visrec.Workspace, pairs: list[tuple[str, str]]) -> None:
    for model in shop.trained_models():
        errors = []
        for user, _ in pairs[:20]:
            ranking = shop.recommend(user, 10, model=model)
            reasons = shop.explanations.reasons(user, ranking.item_ids, model)
            for line, why in zip(ranking.items, reasons, strict=True):
                total = why.base + sum(past.contribution for past in why.history)
                errors.append(abs(total - line.score) / max(abs(line.score), 1e-9))
        print(f"{model}: base and contributions miss the score of `recommend` by at most {max(errors):.1e} of it.")


def cost(shop: visrec.Workspace, pairs: list[tuple[str, str]]) -> None:
    """Print what the reasons of a list cost beside the list, of the users of the pairs."""
    told = shop.explanations
    for name in shop.trained_models():
        spent = []
        for user, _ in pairs:
            begin = time.process_time()
            ranking, answer = next(told.recommend([user], ListOptions(10), name))
            middle = time.process_time()
            told.of(answer, ranking.item_ids, n_past=3)
            spent.append((middle - begin, time.process_time() - middle))
        # The first few read what all users share.
        times = 1000 * np.array(spent[3:])
        (listed, reasons), late = np.median(times, axis=0), np.percentile(times[:, 1], 90)
        print(f"| {name} | {listed:.1f} ms | {reasons:.1f} ms | {late:.1f} ms |", flush=True)


def map_speed(shop: visrec.Workspace, encoder: ImageEncoder, model: str, pairs: list[tuple[str, str]]) -> None:
    subject = Subject(shop, encoder, model, *pairs[0])
    batch = np.repeat(subject.picture.inputs[None], 16, axis=0)
    ratios = []
    for _ in range(3):
        begin = time.process_time()
        for _ in range(500 // 16):
            subject.encoder.embed(batch)
        raw = (time.process_time() - begin) * 500 / (500 // 16 * 16)
        begin = time.process_time()
        subject.map("shap", 500)
        ratios.append((time.process_time() - begin) / raw)
    print(f"A map of 500 samples costs {np.median(ratios):.2f} times 500 pictures through the encoder alone.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shop")
    parser.add_argument("--model", default="visual-knn")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--samples", type=int, default=80)
    parser.add_argument("--methods", default="lime,shap", help="lime,shap and, if wanted, occlusion")
    parser.add_argument("--cost", action="store_true", help="only what the reasons of a list cost")
    options = parser.parse_args()
    shop = visrec.Workspace.open(options.shop)
    encoder = image_encoder(shop.settings.image_encoder, threads=1)
    pairs = pairs_of(shop, options.model, options.pairs)
    if options.cost:
        cost(shop, pairs)
        return
    faithfulness(shop, encoder, options.model, pairs, options.samples, options.methods.split(","))
    additivity(shop, pairs)
    cost(shop, pairs)
    map_speed(shop, encoder, options.model, pairs)


if __name__ == "__main__":
    main()
