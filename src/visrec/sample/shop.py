"""Writes the sample shop: pictures, items, interactions, and the truth about its customers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np

from visrec.core.artifacts import write_atomic
from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.sample.customers import Chooser, Taste, draw_fashion, invent_taste
from visrec.sample.items import Item, describe, plan_looks
from visrec.sample.products import Look, draw_product
from visrec.sample.visits import Event, visits_of

__all__ = ["SampleFiles", "draw_shop"]

_README = """This shop is not real. visrec drew its pictures and simulated its customers.

images/            {n_items} pictures, drawn with vector shapes; ITEM_ID.jpg
items.csv          what the shop says about each product: a part of what its picture shows
interactions.csv   {n_events} events of {n_users} simulated customers; timestamps are epoch seconds, UTC
customers.json     the truth: which palettes, patterns and kinds each customer was made to like
looks.csv          the truth: palette, pattern, kind and shape that each picture was drawn with

The two files of truth are for checking only. Never give them to a recommender.
Seed {seed}: the same seed writes the same files.
"""


@dataclass(frozen=True)
class SampleFiles:
    """Where the sample shop lies.

    Attributes:
        folder: all of it.
        images: one JPEG for each item, ITEM_ID.jpg.
        items: CSV.
        interactions: CSV.
        n_items: number of products.
        n_users: number of customers.
        n_events: number of interactions.
    """

    folder: Path
    images: Path
    items: Path
    interactions: Path
    n_items: int
    n_users: int
    n_events: int


def draw_shop(
    folder: Path, *, n_items: int = 480, n_users: int = 320, seed: int = 7, progress: ProgressFactory = silent
) -> SampleFiles:
    """Draw the sample catalogue and simulate its customers.

    Deterministic: with the same arguments and the same Pillow and numpy, every file has the same bytes.

    Args:
        folder: where to write; made when absent, files of the same name are replaced.
        n_items: number of products; 42 or more, so that each palette comes in each pattern.
        n_users: number of customers.
        seed: of everything.
        progress: watches the drawing.

    Returns:
        Where the files are.

    Raises:
        InputError: when a number is too small.
    """
    if n_items < 42 or n_users < 1 or seed < 0:
        raise InputError(
            f"Expected 42 or more items, 1 or more customers and a seed of 0 or more, "
            f"got {n_items}, {n_users} and {seed}."
        )
    looks = plan_looks(n_items, np.random.default_rng([seed, 0]))
    items = _draw_items(folder / "images", looks, seed, progress)
    tastes, events = _simulate(looks, [item.item_id for item in items], n_users, seed)
    files = SampleFiles(
        folder, folder / "images", folder / "items.csv", folder / "interactions.csv", n_items, n_users, len(events)
    )
    _write_csv(files.items, [field.name for field in fields(Item)], map(astuple, items))
    rows = ((event.user_id, event.item_id, event.kind, event.timestamp) for event in events)
    _write_csv(files.interactions, ["user_id", "item_id", "kind", "timestamp"], rows)
    _write_truth(folder, [item.item_id for item in items], looks, tastes)
    readme = _README.format(n_items=n_items, n_users=n_users, n_events=len(events), seed=seed)
    write_atomic(folder / "README.txt", readme.encode())
    return files


def _draw_items(images: Path, looks: Sequence[Look], seed: int, progress: ProgressFactory) -> list[Item]:
    images.mkdir(parents=True, exist_ok=True)
    items = []
    with progress("draw", total=len(looks), unit="pictures") as watched:
        for number, look in enumerate(looks, start=1):
            # A generator of its own for each picture: a change to one kind leaves the others as they were.
            rng = np.random.default_rng([seed, 1, number])
            picture, colours = draw_product(look, rng)
            item = describe(number, look, colours.name, rng)
            picture.save(images / f"{item.item_id}.jpg", quality=90, subsampling=0)
            items.append(item)
            watched.advance()
    return items


def _simulate(
    looks: Sequence[Look], item_ids: Sequence[str], n_users: int, seed: int
) -> tuple[dict[str, Taste], list[Event]]:
    crowd = np.random.default_rng([seed, 2])
    chooser = Chooser(looks, crowd)
    fashion = draw_fashion(crowd)
    tastes: dict[str, Taste] = {}
    events: list[Event] = []
    for number in range(1, n_users + 1):
        user_id = f"customer-{number:03d}"
        rng = np.random.default_rng([seed, 3, number])
        tastes[user_id] = invent_taste(fashion, rng)
        n_picks = int(np.clip(rng.lognormal(2.65, 0.45), 5, 60))
        rows, match = chooser.choose(tastes[user_id], n_picks, rng)
        events += visits_of(user_id, [item_ids[row] for row in rows], match, rng)
    return tastes, sorted(events)


def _write_truth(folder: Path, item_ids: Sequence[str], looks: Sequence[Look], tastes: dict[str, Taste]) -> None:
    customers = {user_id: asdict(taste) for user_id, taste in tastes.items()}
    write_atomic(folder / "customers.json", (json.dumps(customers, indent=1) + "\n").encode())
    rows = ((item_id, *astuple(look)) for item_id, look in zip(item_ids, looks, strict=True))
    _write_csv(folder / "looks.csv", ["item_id", *(field.name for field in fields(Look))], rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_atomic(path, text.getvalue().encode())
