"""Makes src/visrec/recognition/imagenet_classes.tsv: the 1,000 classes with a readable group and kind above each.

    pip download --no-deps timm && unzip timm-*.whl 'timm/data/_info/imagenet_synset*'
    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wordnet
    python tools/imagenet_classes.py timm/data/_info wordnet/usr/share/wordnet/data.noun

The order and ids of the classes are those of ILSVRC 2012, as timm (Apache-2.0) lists them. The ids are synsets of
WordNet 3.0; a class belongs to the nearest of the groups below among its hypernyms.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

#: kind -> group -> synsets of WordNet 3.0; what is under none of a kind's groups is under the kind's own synsets.
GROUPS: dict[str, dict[str, str]] = {
    "animal": {
        "dog": "02084071", "cat": "02120997", "bird": "01503061", "fish": "02512053", "snake": "01726692",
        "lizard": "01674464", "turtle": "01662784", "amphibian": "01627424", "insect": "02159955",
        "spider": "01769347", "shellfish": "01974773 01940736", "ape or monkey": "02469914", "bear": "02131653",
        "rodent": "02329401", "hoofed animal": "02370806", "sea mammal": "02062017", "wolf or fox": "02083346",
        "other mammal": "01861778", "other reptile": "01661091", "other animal": "00015388",
    },
    "clothing": {
        "headwear": "03502509 03497657", "footwear": "03380867 03381126 04199027", "hosiery": "03540267",
        "swimwear": "04371563", "underwear": "04508163", "skirt": "04230808",
        "coat": "03863923 03057021", "knitwear": "04370048",
        "trousers": "04489008 03594734", "nightwear": "03825080", "neckwear": "03816005", "glove": "03441112",
        "other clothing": "03051540 03419014 03045698 02862048",
    },
    "accessory": {
        "bag": "02773037 03900194 04548362", "jewellery": "03597469", "eyewear": "04272054", "watch": "04555897",
        "umbrella": "04507155",
    },
    "furniture": {
        "seat": "04161981", "table": "04379243 03179701", "bed": "02818832 02766320", "cupboard": "02933112 04550184",
        "lamp": "03636649 04263760 03637318", "other furniture": "03405265 03405725",
    },
    "vehicle": {
        "car": "02958343", "truck": "04490091", "boat or ship": "04530566", "aircraft": "02686568",
        "bicycle or motorcycle": "02834778 03790512", "train": "04468005 03684823", "bus": "02924116",
        "other vehicle": "04524313",
    },
    "food": {
        "fruit": "07705931 13134947", "vegetable": "07707451 07705711", "bread": "07622061", "drink": "07881800",
        "dessert": "07609840", "dish": "07557434", "other food": "00021265 07555863",
    },
    "plant": {"flower": "11669921", "mushroom": "12992868", "other plant": "00017222"},
    "building": {
        "shop": "03748162 04202417", "house of worship": "03028079", "dwelling": "03259505",
        "fence": "03327234 02788148", "bridge": "02898711", "building": "02913152 03297735",
        "other structure": "04341686",
    },
    "landscape": {"shore": "09433442", "mountain": "09359803 09366317", "landscape": "09287968 09225146"},
    "person": {"person": "00007846"},
    "household": {
        "kitchenware": "03621049 04381994", "household appliance": "03528263 02729837", "bottle": "02876657",
        "vessel": "04531098", "textile": "03309808 03932670 02820210 03938244 03151077 04118021",
        "toiletry": "04447443", "toy": "03964744", "other container": "03094503",
    },
    "equipment": {
        "musical instrument": "03800933", "weapon": "04565375 04566257", "computer": "03082979",
        "camera": "02942699", "electronics": "03278248 04404412 04043733", "clock": "04437953",
        "sports equipment": "04285146 03414162 02778669", "tool": "04451818", "writing tool": "04608567",
        "instrument": "03733925 03574816", "machine": "03738472 03699975", "other device": "03183080",
    },
    "other": {"printed matter": "06410904 06591815 06255613 06254669 06793231", "other object": "00001740"},
}  # fmt: skip
# WordNet's first word is not the one that a reader would use.
NAMES = {"n03595614": "T-shirt", "n02892767": "bra", "n04517823": "vacuum cleaner", "n03126707": "crane (machine)"}
# No hypernym says so, or the nearest one says something a reader would not.
CORRECTIONS = {
    "n03201208": ("table", "furniture"), "n04355933": ("eyewear", "accessory"),
    "n04147183": ("boat or ship", "vehicle"), "n04039381": ("sports equipment", "equipment"),
    "n04228054": ("sports equipment", "equipment"), "n04041544": ("electronics", "equipment"),
    "n03924679": ("electronics", "equipment"), "n06359193": ("other object", "other"),
    "n03595614": ("shirt", "clothing"),
}  # fmt: skip

NOTICE = """\
# ILSVRC 2012 class (one a line, in the network's order): synset, name, group, kind. Made by tools/imagenet_classes.py.
# Names and groups are taken from WordNet 3.0, Copyright 2006 by Princeton University. All rights reserved. Permission
# to use, copy, modify and distribute this database for any purpose and without fee or royalty is granted, provided
# that this notice stays. It is provided "as is", without representations or warranties, express or implied. The name
# of Princeton University may not be used in advertising. Princeton University retains title to it.
# Full text: https://wordnet.princeton.edu/license-and-commercial-use
"""


def main(info: Path, nouns: Path, target: Path) -> None:
    """Read both sources, write the table."""
    words, hypernyms = read_nouns(nouns)
    group_of = {
        synset: (group, kind)
        for kind, groups in GROUPS.items()
        for group, ids in groups.items()
        for synset in ids.split()
    }
    missing = sorted(set(group_of) - set(words))
    if missing:
        raise SystemExit(f"Not in WordNet 3.0: {missing}")
    synsets = (info / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    lemmas = [words[synset[1:]] for synset in synsets]
    often = Counter(lemma[0].lower() for lemma in lemmas)
    lines = []
    for synset, lemma in zip(synsets, lemmas, strict=True):
        group, kind = CORRECTIONS.get(synset) or nearest(synset[1:], hypernyms, group_of)
        # Two classes are called crane, two maillot: the second word tells them apart, or the group does.
        apart = lemma[1] if len(lemma) > 1 else f"{lemma[0]} ({group})"
        name = NAMES.get(synset) or (lemma[0] if often[lemma[0].lower()] == 1 else apart)
        lines.append("\t".join((synset, name.replace("_", " "), group, kind)))
    target.write_text(NOTICE + "\n".join(lines) + "\n", encoding="utf-8")


def read_nouns(path: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Words and hypernyms of every noun synset; see wndb(5WN)."""
    words: dict[str, list[str]] = {}
    hypernyms: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split("|")[0].split()
        n_words = int(fields[3], 16)
        pointers = fields[5 + 2 * n_words :]
        words[fields[0]] = fields[4 : 4 + 2 * n_words : 2]
        hypernyms[fields[0]] = [
            pointers[place + 1]
            for place in range(0, 4 * int(fields[4 + 2 * n_words]), 4)
            if pointers[place] in ("@", "@i") and pointers[place + 2] == "n"
        ]
    return words, hypernyms


def nearest(synset: str, hypernyms: dict[str, list[str]], group_of: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The first group on the way up, level by level; an "other …" group only where no other is above."""
    level, fallback = [synset], ("other object", "other")
    while level:
        for group, kind in (group_of[one] for one in level if one in group_of):
            if not group.startswith("other"):
                return group, kind
            if fallback[1] == "other":
                fallback = group, kind
        level = [above for one in level for above in hypernyms[one]]
    return fallback


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    main(Path(sys.argv[1]), Path(sys.argv[2]), root / "src" / "visrec" / "recognition" / "imagenet_classes.tsv")
