"""How often does recognition agree with the words of a catalogue? On hm-fashion, beside always saying the commonest.

    visrec ingest hm --items items.csv --images images
    visrec recognize hm
    python benchmarks/recognition_accuracy.py hm

The catalogue's own columns are the truth, wrong and unknown ones included. An interval is 1.96 standard errors.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace")
    shop = Workspace.open(parser.parse_args().workspace)
    seen = shop.attributes.columns()
    items = shop.catalogue.items()
    report("colour", seen["colour"], COLOUR_MASTER, items.column("colour_master").to_pylist(), "colour_master")


def report(name: str, column: AttributeColumn, words: dict[str, str], truth: list[str | None], source: str) -> None:
    """Print accuracy, recall and precision of each word, and whether confidences hold."""
    rows, places = first_entries(column)
    actual = np.array([truth[row] for row in rows], dtype=object)
    said = np.array([words.get(column.labels[label], "") for label in column.label[places]], dtype=object)
    commonest, n_commonest = Counter(actual).most_common(1)[0]
    right = said == actual
    print(f"\n## {name} against {source}, {len(rows):,} items\n")
    print("| | top-1 accuracy |\n| --- | ---: |")
    print(f"| recognition | {share(right)} |")
    print(f"| always {commonest!r} | {share(actual == commonest)} |")
    print(f"\n| {source} | items | found | right when said |\n| --- | ---: | ---: | ---: |")
    for word, n in Counter(actual).most_common():
        of_word, of_said = actual == word, said == word
        precise = f"{right[of_said].mean():.2f}" if of_said.any() else ""
        print(f"| {word} | {n:,} | {right[of_word].mean():.2f} | {precise} |")
    reliability(right, column.confidence[places])


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
