"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "SPLITS",
    "AsJson",
    "Candidates",
    "Encoder",
    "Images",
    "Interactions",
    "Items",
    "Sheet",
    "Shop",
    "TestDays",
    "TestFraction",
    "Threshold",
    "TopK",
    "Tuned",
    "Where",
]

# Files are not checked here (readable=False): what is wrong with one is said by what reads it, in visrec's words.
Shop = Annotated[
    Path, typer.Argument(metavar="SHOP", help="The workspace, a folder.", show_default=False, readable=False)
]
Items = Annotated[
    Path | None,
    typer.Option(
        "--items", help="Items: .csv, .parquet or .jsonl with a column item_id and any others.", readable=False
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        "--images", help="Folder of pictures: ITEM_ID.jpg, or as the items' column `image` says.", readable=False
    ),
]
Interactions = Annotated[
    Path | None,
    typer.Option(
        "--interactions",
        help="What people did: user_id, item_id; optional kind, value or rating, timestamp.",
        readable=False,
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="efficientnet-lite0, efficientnet-lite2, clip-vit-b16, colour-histogram, bge-small (texts), "
        "onnx:PATH, timm:NAME, open_clip:ARCHITECTURE/PRETRAINED.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--positive-threshold", help="A rating below it is seen, not liked. Default: ratings are not looked at."
    ),
]
#: Named here, so that --help need not import what splits.
SPLITS = "random, time, user-time, item-cold, user-cold"
TestFraction = Annotated[float | None, typer.Option("--test-fraction", help="Share held out.")]
TestDays = Annotated[float | None, typer.Option("--test-days", help="Split time: the last so many days.")]
Tuned = Annotated[bool, typer.Option("--tuned", help="With the settings that visrec tune found.")]
TopK = Annotated[int, typer.Option("-k", help="Length of the list.")]
Where = Annotated[
    str | None, typer.Option("--where", help="SQL condition over the items: \"price < 50 and category = 'Dress'\".")
]
Candidates = Annotated[
    Path | None,
    typer.Option("--candidates", help="Rank only these items: a file with one item id a line.", readable=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--sheet", help="Write the pictures as a contact sheet, a .png file.", readable=False),
]
