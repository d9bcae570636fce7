"""The main job in five lines, on a shop that visrec draws itself.

python examples/five_lines.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import visrec
from visrec.sample import draw_shop


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="visrec-example-"))
    sample = draw_shop(folder / "sample", n_items=126, n_users=80)

    shop = visrec.Workspace.create(folder / "shop")
    shop.ingest(items=sample.items, images=sample.images, interactions=sample.interactions)
    shop.encode()
    shop.train()
    ranking = shop.recommend("customer-007", k=5)

    for item in ranking.items:
        print(item.rank, item.item_id, item.title, f"{item.score:.2f}", item.source)
    # An event given now counts in the very next answer, without retraining.
    shop.add_feedback([visrec.Interaction("newcomer", ranking.item_ids[0])])
    print("newcomer:", shop.recommend("newcomer", k=5).item_ids)


if __name__ == "__main__":
    main()
