"""What pictures, texts and categories add to predicted ratings, on every split.

    python benchmarks/rating_features.py SHOP [--encoder NAME]

`visual-mf` with all features and without any, and `bias`, on the same pairs: RMSE and MAE, then the paired differences
with their intervals, then how long a fit takes.
"""

from __future__ import annotations

import argparse

from visrec import Workspace
from visrec.evaluation.ratings import evaluate_ratings
from visrec.recommenders.registry import make_recommender

WITHOUT = "visual-mf without features"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop")
    parser.add_argument("--encoder", default=None)
    options = parser.parse_args()
    dataset = Workspace.open(options.shop).dataset(encoder=options.encoder)
    for split in ("kfold", "item-cold", "user-time"):
        models = {
            "visual-mf": make_recommender("visual-mf"),
            WITHOUT: make_recommender("visual-mf", {"blocks": ()}),
            "bias": make_recommender("bias"),
        }
        found = evaluate_ratings(dataset, models, split=split)
        print(found.table(markdown=True))
        for other in ("bias", WITHOUT):
            i = found.difference("visual-mf", other)
            print(f"\nRMSE of visual-mf less that of {other}: {i.mean:.4f} ({i.low:.4f} to {i.high:.4f})")
        print(f"\nA fit of visual-mf: {found.seconds['visual-mf'][0] / found.n_folds:.1f} s\n", flush=True)


if __name__ == "__main__":
    main()
