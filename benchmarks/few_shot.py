"""How well are attributes of a shop's own learned from 5, 20 and 100 examples of each value?

    python benchmarks/few_shot.py hm --subset hm20     # 120 articles of each of the 20 commonest categories, at random
    visrec encode hm20 --encoder clip-vit-b16          # 4 images/s: all of hm would take an hour and more
    visrec encode hm20 --encoder efficientnet-lite0
    python benchmarks/few_shot.py hm20                 # every encoder that hm20 has
    python benchmarks/few_shot.py hm20 --active        # chosen by `visrec label --next`, or at random?

The catalogue's own columns are the truth. Examples are drawn anew with each of 10 seeds, at most half of a value's
items where it has fewer than 120; all other items are judged. An interval is 1.96 standard errors over the seeds. The
space, and the penalties that are tried, were chosen on articles of hm that are not in hm20, with efficientnet-lite0.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec import Workspace
from visrec.recognition.few_shot import FewShotClassifier
from visrec.recognition.next_pictures import least_sure
from visrec.workspace.label_space import in_label_space, label_space

COLUMNS = ("category", "pattern", "colour_master")
N_CLASSES = 20
PER_CLASS = 120
#: A value of fewer items is left out, and so is one that says nothing.
LEAST, SAYS_NOTHING = 40, ("Unknown", "undefined")
Rows = npt.NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    parser.add_argument("--subset", type=Path, help="make this workspace of a part of the other's items")
    parser.add_argument("--encoder", action="append", help="default: every one that the workspace has")
    parser.add_argument("--active", action="store_true", help="compare ways of choosing examples")
    arguments = parser.parse_args()
    shop = Workspace.open(arguments.workspace)
    if arguments.subset is not None:
        make_subset(shop, arguments.subset)
        return
    encoders = arguments.encoder or [s.encoder_id for s in shop.features() if s.modality == "image"]
    for encoder in encoders:
        matrix = shop.item_features(shop.feature_sets.of_encoder(encoder)).blocks["image"].matrix
        space = in_label_space(matrix, label_space(matrix[np.any(matrix != 0, axis=1)]))
        for column in COLUMNS:
            rows, label = judged(shop.catalogue.items().column(column).to_pylist(), np.any(matrix != 0, axis=1))
            compare = active if arguments.active else few
            compare(f"{column} | {label.max() + 1} | {encoder}", space[rows], label)


def make_subset(shop: Workspace, root: Path) -> None:
    """A workspace of so many items, drawn at random, of each of the commonest categories."""
    items = shop.catalogue.items().select(["item_id", *COLUMNS]).to_pydict()
    images = shop.catalogue.images()
    shown = dict(zip(images.column("item_id").to_pylist(), images.column("path").to_pylist(), strict=True))
    rng = np.random.default_rng(0)
    drawn: list[int] = []
    for value, _ in Counter(items["category"]).most_common(N_CLASSES):
        there = zip(items["item_id"], items["category"], strict=True)
        rows = [row for row, (item_id, category) in enumerate(there) if category == value and item_id in shown]
        drawn += rng.choice(rows, PER_CLASS, replace=False).tolist()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "items.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(
                [list(items), *([items[name][row] for name in items] for row in sorted(drawn))]
            )
        Workspace.create(root).ingest(items=file, images=Path(shown[items["item_id"][drawn[0]]]).parent)


def judged(truth: Sequence[str | None], pictured: npt.NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Rows of the items with one of the commonest values, and their values as numbers."""
    counts = Counter(value for value, there in zip(truth, pictured, strict=True) if there)
    values = [v for v, n in counts.most_common(N_CLASSES) if n >= LEAST and v and v not in SAYS_NOTHING]
    number = np.array([values.index(value) if value in values else -1 for value in truth])
    rows = np.flatnonzero((number >= 0) & pictured)
    return rows, number[rows]


def few(name: str, space: npt.NDArray[np.float32], label: Rows, seeds: int = 10) -> None:
    """Print what is right of the items that are no examples, and what was promised.

    The columns: accuracy, that of always saying the commonest value, the mean over values of the share that is found,
    the cross-validated accuracy, and the mean confidence.
    """
    for n_examples in (5, 20, 100):
        right, balanced, reported, sure, common = [], [], [], [], []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            chosen = np.zeros(len(label), dtype=np.bool_)
            for value in range(label.max() + 1):
                rows = rng.permutation(np.flatnonzero(label == value))
                chosen[rows[: min(n_examples, len(rows) // (1 if len(rows) >= PER_CLASS else 2))]] = True
            learned, cross = FewShotClassifier.fit(space[chosen], label[chosen], int(label.max()) + 1)
            probability = learned.probabilities(space[~chosen])
            hit = probability.argmax(axis=1) == label[~chosen]
            right.append(float(hit.mean()))
            balanced.append(float(np.mean([hit[label[~chosen] == value].mean() for value in range(label.max() + 1)])))
            sure.append(float(probability.max(axis=1).mean()))
            reported.append(cross.accuracy)
            common.append(float(np.bincount(label[~chosen]).max() / (~chosen).sum()))
        print(
            f"| {name} | {n_examples} | {spread(right)} | {np.mean(common):.3f} | {spread(balanced)} | "
            f"{np.mean(reported):.3f} | {np.mean(sure):.3f} |",
            flush=True,
        )


def active(name: str, space: npt.NDArray[np.float32], label: Rows, seeds: int = 10, step: int = 20) -> None:
    """Print accuracy by examples, chosen by `least_sure` or at random, both from the same two of each value."""
    n_values = int(label.max()) + 1
    found: dict[tuple[str, int], list[float]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(label))
        held, pool = order[: len(order) // 3], order[len(order) // 3 :]
        start = np.concatenate([pool[label[pool] == value][:2] for value in range(n_values)])
        for choice in ("next", "random"):
            chosen = start
            for rounds in range(6):
                learned, _ = FewShotClassifier.fit(space[chosen], label[chosen], n_values)
                right = learned.probabilities(space[held]).argmax(axis=1) == label[held]
                found.setdefault((choice, rounds), []).append(float(right.mean()))
                open_ = np.setdiff1d(pool, chosen, assume_unique=True)
                if choice == "next":
                    places = least_sure(learned.probabilities(space[open_]), space[open_], step, space[chosen])
                else:
                    places = np.random.default_rng([seed, rounds]).choice(len(open_), step, replace=False)
                chosen = np.concatenate([chosen, open_[places]])
    for choice in ("next", "random"):
        cells = [f"{2 * n_values + step * rounds}: {spread(found[choice, rounds])}" for rounds in range(6)]
        print(f"| {name} | {choice} | {' | '.join(cells)} |", flush=True)


def spread(values: Sequence[float]) -> str:
    """A mean with 1.96 standard errors over the seeds."""
    return f"{np.mean(values):.3f} ± {1.96 * np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


if __name__ == "__main__":
    main()
