"""How often does recognition agree with the words of a catalogue? Beside always saying the commonest.

    visrec ingest hm --items items.csv --images images
    visrec recognize hm
    python benchmarks/recognition_accuracy.py hm        # or ikea-rooms, whose categories are furniture

The catalogue's own columns are the truth, wrong and unknown ones included; an item of which nothing is said counts as
wrong. An interval is 1.96 standard errors.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import numpy.typing as npt

from visrec import Workspace
from visrec.core.attributes import AttributeColumn, first_entries

#: Our name of a colour -> the catalogue's word in `colour_master`. It has others ("Metal") that no palette tells.
COLOUR_MASTER = {
    "black": "Black", "grey": "Grey", "light grey": "Grey", "white": "White", "cream": "White", "beige": "Beige",
    "taupe": "Mole", "brown": "Brown", "khaki": "Khaki green", "green": "Green", "turquoise": "Turquoise",
    "blue": "Blue", "light blue": "Blue", "navy": "Blue", "purple": "Lilac Purple", "lilac": "Lilac Purple",
    "pink": "Pink", "light pink": "Pink", "magenta": "Pink", "red": "Red", "burgundy": "Red", "orange": "Orange",
    "yellow": "Yellow", "mustard": "Yellow",
}  # fmt: skip


#: The catalogue's word in `pattern` -> ours; others ("Lace", "Front print") are not judged.
PATTERN = {
    **dict.fromkeys(("Solid", "Melange", "Denim", "Chambray", "Treatment", "Slub", "Neps"), "plain"),
    "Stripe": "striped", "Check": "checked", "Argyle": "checked", "Dot": "dotted", "All over pattern": "busy",
}  # fmt: skip
#: Category of hm-fashion or ikea-rooms -> our group; only those that are one of the groups.
GROUP = {
    "Bra": "underwear", "Sunglasses": "eyewear", "Bag": "bag", "Boots": "footwear", "Sneakers": "footwear",
    "Sandals": "footwear", "Ballerinas": "footwear", "Swimsuit": "swimwear", "Swimwear bottom": "swimwear",
    "Bikini top": "swimwear", "Trousers": "trousers", "Skirt": "skirt", "Socks": "hosiery", "Coat": "coat",
    "Jacket": "coat", "Cardigan": "knitwear", "Sweater": "knitwear", "T-shirt": "shirt", "Necklace": "jewellery",
    "Chair": "seat", "Armchair": "seat", "Swivel chair": "seat", "Stool": "seat", "Three-seat sofa": "seat",
    "Two-seat sofa": "seat", "Bench": "seat", "Table": "table", "Coffee table": "table", "Side table": "table",
    "Desk": "table", "Pendant lamp": "lamp", "Table lamp": "lamp", "Wall lamp": "lamp", "Work lamp": "lamp",
    "Lamp shade": "lamp", "Wardrobe": "cupboard", "Glass-door cabinet": "cupboard", "Chest of 3 drawers": "cupboard",
    "Cot": "bed", "Bed frame": "bed", "Wall clock": "clock", "Bath towel": "textile", "Hand towel": "textile",
    "Quilt cover and 4 pillowcases": "textile", "Cushion cover": "textile", "Cushion": "textile", "Throw": "textile",
    "Curtains, 1 pair": "textile", "Rug, flatwoven": "textile", "Rug, high pile": "textile",
    "Shower curtain": "textile", "Vase": "vessel", "Mug": "vessel",
}  # fmt: skip
#: Group -> its kind, of the groups above.
KIND = {
    **dict.fromkeys(("seat", "table", "lamp", "cupboard", "bed"), "furniture"),
    **dict.fromkeys(("textile", "vessel"), "household"),
    **dict.fromkeys(("eyewear", "bag", "jewellery"), "accessory"),
    "clock": "equipment",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    shop = Workspace.open(parser.parse_args().workspace)
    seen = shop.attributes.columns()
    items = shop.catalogue.items()
    if "colour_master" in items.column_names:
        report("colour", seen["colour"], COLOUR_MASTER, items.column("colour_master").to_pylist(), "colour_master")
    if "pattern" in items.column_names:
        patterns = [PATTERN.get(pattern) for pattern in items.column("pattern").to_pylist()]
        report("pattern", seen["pattern"], {word: word for word in PATTERN.values()}, patterns, "pattern")
    groups = [GROUP.get(category) for category in items.column("category").to_pylist()]
    kinds = [group and KIND.get(group, "clothing") for group in groups]
    for name, truth in (("group", groups), ("kind", kinds)):
        report(name, seen[name], {label: label for label in seen[name].labels}, truth, f"the {name} of the category")


def report(name: str, column: AttributeColumn, words: dict[str, str], truth: list[str | None], source: str) -> None:
    """Print accuracy, recall and precision of each word, and whether confidences hold."""
    actual = np.array(truth, dtype=object)
    said, sure = np.full(len(truth), "", dtype=object), np.zeros(len(truth), dtype=np.float32)
    rows, places = first_entries(column)
    said[rows] = [words.get(column.labels[label], "") for label in column.label[places]]
    sure[rows] = column.confidence[places]
    judged = np.array([word is not None for word in truth])
    actual, said, sure = actual[judged], said[judged], sure[judged]
    commonest, n_commonest = Counter(actual).most_common(1)[0]
    right = said == actual
    print(f"\n## {name} against {source}, {len(actual):,} items\n")
    print("| | top-1 accuracy |\n| --- | ---: |")
    print(f"| recognition | {share(right)} |")
    print(f"| always {commonest!r} | {share(actual == commonest)} |")
    print(f"\n| {source} | items | found | right when said |\n| --- | ---: | ---: | ---: |")
    for word, n in Counter(actual).most_common():
        of_word, of_said = actual == word, said == word
        precise = f"{right[of_said].mean():.2f}" if of_said.any() else ""
        print(f"| {word} | {n:,} | {right[of_word].mean():.2f} | {precise} |")
    reliability(right[said != ""], sure[said != ""])


def reliability(right: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float32]) -> None:
    """Print how often answers of each confidence are right."""
    print("\n| confidence | items | mean | right |\n| --- | ---: | ---: | ---: |")
    for low in np.arange(0, 1, 0.2):
        inside = (confidence >= low) & (confidence < low + 0.2 + (low > 0.79))
        if inside.any():
            mean = confidence[inside].mean()
            print(f"| {low:.1f} … {low + 0.2:.1f} | {inside.sum():,} | {mean:.2f} | {right[inside].mean():.2f} |")


def share(right: npt.NDArray[np.bool_]) -> str:
    """A share with 1.96 standard errors."""
    mean = right.mean()
    return f"{mean:.3f} ± {1.96 * np.sqrt(mean * (1 - mean) / len(right)):.3f}"


if __name__ == "__main__":
    main()
