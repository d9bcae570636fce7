"""What diversity costs: NDCG@10 of held-out likes, and how varied the lists are, by the trade-off of `--diversity`.

    python benchmarks/diversity.py WORKSPACE [--model blend] [--split random]

The variety of a list is the mean of 1 - cosine over its pairs of pictures (embeddings centred on the catalogue's mean).
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from visrec import Workspace
from visrec.core.list_options import ListOptions
from visrec.evaluation.beyond_accuracy import directions, intra_list_diversity
from visrec.evaluation.metrics import ndcg
from visrec.evaluation.splits import make_split
from visrec.recommenders.registry import make_recommender
from visrec.retrieval.likeness import Likeness
from visrec.retrieval.plan import ListPlan, Narrowing
from visrec.retrieval.ranker import Ranker

K = 10


def main() -> None:
    """Fit once, rank with each trade-off, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    parser.add_argument("--model", default="blend")
    parser.add_argument("--split", default="random")
    arguments = parser.parse_args()
    split = make_split(Workspace.open(arguments.workspace).dataset(), arguments.split)
    ranker = Ranker(make_recommender(arguments.model).fit(split.train))
    unit = directions(split.items.blocks["image"])
    narrowed, likeness = (Narrowing("candidates", split.candidates),), Likeness(split.items)
    print(f"{arguments.model}, {split.description}, {len(split.history):,} users")
    print("| diversity | NDCG@10 | variety | s |\n| ---: | ---: | ---: | ---: |")
    for diversity in (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0):
        plan = ListPlan(ListOptions(K, diversity=diversity), narrowed, likeness=likeness)
        started = time.perf_counter()
        top = np.full((len(split.history), K), -1, dtype=np.int64)
        for user, ranking in enumerate(ranker.rank(split.history, split.items, plan)):
            top[user, : len(ranking)] = split.items.item_ids.rows(ranking.item_ids)
        seconds = time.perf_counter() - started
        accuracy, variety = ndcg(top, split.relevant).mean(), np.nanmean(intra_list_diversity(top, unit))
        print(f"| {diversity:.1f} | {accuracy:.4f} | {variety:.3f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
