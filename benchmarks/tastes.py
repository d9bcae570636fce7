"""Taste profiles: how fast, how stable when one event comes, and what a quiz's answers tell.

    python benchmarks/tastes.py WORKSPACE [--sample FOLDER]

FOLDER is the sample shop that the workspace was built from (`visrec demo X` makes X/shop and X/sample). With it, new
customers are simulated who answer 6 or 12 pictures by the taste that they were made to have, and the ten items are
looked at that are then nearest to their likes in the taste space. The space is learned without these customers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from visrec import Workspace
from visrec.core.dataset import Dataset
from visrec.core.histories import Histories
from visrec.recommenders.content_knn import ContentKNN
from visrec.sample import Look, Taste, read_looks, read_truth
from visrec.taste.builder import TasteBuilder
from visrec.taste.compare import compare
from visrec.taste.quiz import next_questions
from visrec.taste.space import TasteSpace

Choose = Callable[[list[int], list[float], list[int]], list[int]]
_NEW = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    parser.add_argument("--sample", type=Path, default=None)
    arguments = parser.parse_args()
    dataset = Workspace.open(arguments.workspace).dataset()
    vectors = ContentKNN().fit(dataset).vectors(dataset.items)
    speed_and_stability(dataset, vectors)
    if arguments.sample is not None:
        quiz(dataset, vectors, read_truth(arguments.sample), read_looks(arguments.sample))


def speed_and_stability(dataset: Dataset, vectors: np.ndarray) -> None:
    start = time.process_time()
    space = TasteSpace.fit(vectors, dataset.histories.liked())
    builder = TasteBuilder(dataset.items, vectors, space)
    fitted = time.process_time()
    profiles = builder.build(dataset.histories)
    seconds = time.process_time() - fitted
    print(f"space and words {fitted - start:.2f} CPU s; {seconds / len(profiles) * 1e3:.1f} ms a profile", end="; ")
    print(f"{np.mean([len(p.interests) for p in profiles]):.1f} interests, {space.alike:.2f} is alike", end="; ")
    print(f"elsewhere {np.mean([p.elsewhere for p in profiles]):.2f}")
    several = np.flatnonzero(np.diff(dataset.histories.indptr) >= 8)
    users = dataset.histories.take(np.random.default_rng(0).permutation(several)[:300])
    after, before = builder.build(users), builder.build(without_newest(users))
    alike = [compare(old, new, space.alike).similarity for old, new in zip(before, after, strict=True)]
    print(f"profile with and without the newest event: similarity {np.mean(alike):.3f} on average", end=", ")
    print(f"{np.quantile(alike, 0.05):.3f} for 1 in 20 users")


def without_newest(histories: Histories) -> Histories:
    mask = np.ones(histories.n_events, dtype=np.bool_)
    mask[histories.indptr[1:] - 1] = False
    return histories.select(mask)


def quiz(dataset: Dataset, vectors: np.ndarray, truth: dict[str, Taste], looks: dict[str, Look]) -> None:
    liked = dataset.histories.liked()
    known = liked[:-_NEW]
    rows = TasteSpace.fit(vectors, known)(vectors)
    popularity = np.bincount(known.indices, minlength=len(rows)).astype(np.float64)
    shown_as = [looks[item_id] for item_id in dataset.items.item_ids]
    by_popularity = np.argsort(-popularity, kind="stable").tolist()
    rng = np.random.default_rng(0)

    def told(asked: list[int], answers: list[float], k: int) -> list[int]:
        found = next_questions(rows, popularity, np.array(asked, dtype=np.int64), np.array(answers), k)
        return [question.row for question in found]

    def popular(asked: list[int], answers: list[float], k: int) -> list[int]:
        return [row for row in by_popularity if row not in asked][:k]

    def chance(asked: list[int], answers: list[float], k: int) -> list[int]:
        return [row for row in rng.permutation(len(rows)).tolist() if row not in asked][:k]

    print("pictures  chosen by    liked  palette  pattern   (of the ten nearest to the likes)")
    for rounds in (1, 2):
        for name, choose in (("the quiz", told), ("popularity", popular), ("chance", chance)):
            figures = []
            for user_id in list(dataset.histories.user_ids)[-_NEW:]:
                taste, asked, answers = truth[user_id], list[int](), list[float]()
                for _ in range(rounds):
                    new = choose(asked, answers, 6)
                    asked += new
                    answers += [answer(taste, shown_as[row]) for row in new]
                near = nearest(rows, asked, answers, popularity)
                palette = np.mean([taste.likes_palette(shown_as[row]) for row in near])
                pattern = np.mean([taste.likes_pattern(shown_as[row]) for row in near])
                figures.append((sum(value > 0 for value in answers), palette, pattern))
            n_liked, palette, pattern = np.mean(figures, axis=0)
            print(f"{6 * rounds:8d}  {name:10s} {n_liked:7.2f}  {palette:7.3f}  {pattern:7.3f}")


def answer(taste: Taste, look: Look) -> float:
    """Likes what has the palette or the pattern, and something more; dislikes what has nothing."""
    fits = [
        3 * (look.palette == one.palette) + 2 * (look.pattern == one.pattern) + (look.kind in one.kinds)
        for one in taste.interests
    ]
    return 1.0 if max(fits) > 2 and max(fits) != 3 else -1.0 if max(fits) == 0 else 0.0


def nearest(rows: np.ndarray, asked: list[int], answers: list[float], popularity: np.ndarray) -> list[int]:
    scores = np.maximum(rows @ rows[asked].T, 0) ** 2 @ np.array(answers)
    if not any(answers):
        scores = popularity.copy()
    scores[asked] = -np.inf
    return np.argsort(-scores, kind="stable")[:10].tolist()


if __name__ == "__main__":
    main()
