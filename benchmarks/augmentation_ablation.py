"""Does varying the training pictures help a network that learns from pixels? With and without, on new items.

    python benchmarks/augmentation_ablation.py WORKSPACE [--model pixel-cnn] [--seeds 1 2 3 4 5]

Hides a fifth of the items, trains on the rest with flip, rotation, crop and colour and without, and predicts the
ratings of the hidden items. Each seed is another split and another start of the network, the same for both arms.
Intervals are 95% t-intervals over the seeds; those of differences are over the seeds' differences, which takes out how
hard each split is. "user's mean" is the same model without pixels: mu + b_u, with the same shrinkage.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
from scipy import stats

from visrec import Workspace
from visrec.evaluation.rating_split import RatingFold, rating_folds
from visrec.recommenders.bias import Bias
from visrec.recommenders.pixel_cnn import PixelCNN
from visrec.recommenders.pixel_settings import PixelCNNSettings
from visrec.recommenders.pixel_users import UserPrior
from visrec.recommenders.rating_matrix import rating_matrix
from visrec.recommenders.registry import RECOMMENDERS

ARMS = {"with augmentation": 1.0, "without": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    parser.add_argument("--model", default="pixel-cnn", choices=["pixel-cnn", "pixel-resnet", "pixel-efficientnet"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    arguments = parser.parse_args()
    dataset = Workspace.open(arguments.workspace).dataset()
    found: dict[str, list[float]] = {name: [] for name in (*ARMS, "user's mean", "bias")}
    seconds: dict[str, list[float]] = {name: [] for name in ARMS}
    for seed in arguments.seeds:
        cut = next(rating_folds(dataset, "item-cold", seed=seed))
        for arm, strength in ARMS.items():
            presets = {**RECOMMENDERS[arguments.model].presets, "augment": strength, "seed": seed}
            started = time.process_time()
            model = PixelCNN(PixelCNNSettings(**presets)).fit(cut.train)
            seconds[arm].append(time.process_time() - started)
            print(f"seed {seed}, {arm}: fitted in {seconds[arm][-1]:.0f} CPU s", file=sys.stderr)
            found[arm].append(rmse(cut, model.predict(cut.history, cut.items, cut.user_index, cut.item_index)))
        found["user's mean"].append(rmse(cut, user_means(cut)))
        bias = Bias().fit(cut.train)
        found["bias"].append(rmse(cut, bias.predict(cut.history, cut.items, cut.user_index, cut.item_index)))
    print(f"{arguments.model}: RMSE of the ratings of hidden items, {len(arguments.seeds)} seeds\n")
    print("| | mean | 95% interval | each seed | CPU s a fit |\n| --- | ---: | ---: | --- | ---: |")
    for name, values in found.items():
        print(row(name, values, f"{np.mean(seconds[name]):.0f}" if name in seconds else ""))
    first = np.array(found["with augmentation"])
    for other in ("without", "user's mean", "bias"):
        print(row(f"with augmentation − {other}", (first - found[other]).tolist(), ""))


def rmse(cut: RatingFold, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.square(predicted - cut.rating).mean()))


def user_means(cut: RatingFold) -> np.ndarray:
    ratings = rating_matrix(cut.history)
    mean = ratings.data.mean()
    ratings.data -= mean
    prior = UserPrior(np.zeros(1), np.array([PixelCNNSettings().bias_regularisation]), np.zeros((1, 1)))
    return mean + prior.fold_in(ratings, np.zeros((ratings.shape[1], 0)))[cut.user_index, 0]


def row(name: str, values: Sequence[float], seconds: str) -> str:
    mean, each = float(np.mean(values)), " ".join(f"{value:.4f}" for value in values)
    interval = ""
    if len(values) > 1:
        margin = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
        interval = f"{mean - margin:.4f} to {mean + margin:.4f}"
    return f"| {name} | {mean:.4f} | {interval} | {each} | {seconds} |"


if __name__ == "__main__":
    main()
