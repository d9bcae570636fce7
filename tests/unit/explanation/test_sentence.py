"""Sentences say what was found, and change with it."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from visrec.explanation.explanation import AttributeReason, Evidence, PastItem
from visrec.explanation.sentence import sentences
from visrec.recognition.colour_names import COLOUR_NAMES
from visrec.recognition.objects import ImageNetClasses
from visrec.recognition.pattern import PATTERNS

LAMP, VASE = PastItem("1", 2.0, "Red {lamp}"), PastItem("2", 1.0, "Blue vase")
RED = AttributeReason("colours", "red", 0.5, ("1",))


def evidence(kind="visual", strength="good", n_liked=3, personal=1.0, r2=0.2):
    return Evidence(kind, strength, n_liked, personal, r2)


def both(found=None, history=(LAMP, VASE), attributes=(RED,), item_id="9"):
    said = sentences(item_id, found or evidence(), history, attributes)
    assert set(said) == {"en", "zh"}
    return said["en"], said["zh"]


def test_past_items_and_shared_attributes_are_named():
    english, chinese = both()
    assert english == (
        "Recommended because it looks like “Red {lamp}” and “Blue vase”, which you liked; "
        "in common they have: the colour red."
    )
    assert chinese == "推荐它，是因为它看起来和您喜欢过的「Red {lamp}」和「Blue vase」相似；它们的共同点是：红色。"


@pytest.mark.parametrize("language", [0, 1])
def test_other_evidence_is_another_sentence(language):
    said = [
        both(evidence(kind))[language] for kind in ("visual", "text", "category", "collaborative", "popular", "new")
    ]
    said += [both(evidence(strength=strength, personal=0.1))[language] for strength in ("little", "none")]
    said += [
        both(evidence(n_liked=0, strength="none", kind="popular"))[language],
        both(evidence(strength="little", personal=-1.0), (PastItem("3", -1.0, "Mug", False),))[language],
        both(evidence(strength="little", personal=-1.0), (PastItem("3", -1.0, "Mug"),))[language],
        both(history=(VASE,))[language],
        both(attributes=())[language],
        both(attributes=(AttributeReason("pattern", "striped", 0.5, ("1",)),))[language],
    ]
    assert len(set(said)) == len(said)


def test_what_says_little_is_not_named():
    english, _ = both(history=(LAMP, PastItem("2", 0.4, "Blue vase")))
    assert "Blue vase" not in english
    english, _ = both(history=(LAMP, PastItem("5", 1.9, "Red {lamp}"), VASE))
    assert english.count("Red {lamp}") == 1
    assert "Blue vase" in english
    english, _ = both(item_id="1")
    assert "Red {lamp}" not in english
    english, _ = both(attributes=(RED, AttributeReason("kind", "clothing", 0.1, ("1",))))
    assert "clothing" not in english
    english, _ = both(attributes=(AttributeReason("colours", "red", 0.5),))
    assert "red" not in english


def test_attributes_that_explain_nothing_are_no_reason():
    assert "red" not in both(evidence("collaborative", r2=0.01))[0]
    assert "the colour red" in both(evidence("collaborative", r2=0.3))[0]


def test_what_speaks_against_is_said():
    english, chinese = both(history=(LAMP, PastItem("3", -1.5, "Mug", liked=False)))
    assert english.endswith("that you did not like “Mug” speaks against it.")
    assert "不喜欢「Mug」" in chinese
    english, chinese = both(attributes=(AttributeReason("pattern", "plain", -2.0), RED))
    assert english.endswith("although you rarely go for a plain surface.")
    assert chinese.endswith("不过您很少选择纯色。")


def test_every_word_of_recognition_but_objects_has_a_chinese_one():
    words = json.loads(files("visrec.explanation").joinpath("words_zh.json").read_text(encoding="utf-8"))
    classes = ImageNetClasses()
    assert set(words) == {*COLOUR_NAMES, *PATTERNS, *classes.groups, *classes.kinds}
    assert "“jean”" in both(attributes=(AttributeReason("object", "jean", 0.5, ("1",)),))[1]
