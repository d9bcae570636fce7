"""One plain sentence of why, in English and Chinese, made of what an explanation found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from visrec.explanation.explanation import AttributeReason, Evidence, PastItem

__all__ = ["sentences"]

#: Past items that are named, and words.
_NAMED, _WORDS = 3, 3
#: A past item is named where it adds at least this share of what the strongest adds.
_WORTH_NAMING = 0.25

#: Attributes that account for less of a user's scores are not said to matter.
_TELLING = 0.05

_ENGLISH = {
    "collaborative": "people who like {past} tend to like it too",
    "visual": "it looks like {past}, which you liked",
    "text": "its description is close to that of {past}, which you liked",
    "category": "it is the same kind of thing as {past}, which you liked",
    "other": "it goes with {past}, which you liked",
}
_CHINESE = {
    "collaborative": "喜欢{past}的人往往也喜欢它",
    "visual": "它看起来和您喜欢过的{past}相似",
    "text": "它的介绍与您喜欢过的{past}相近",
    "category": "它与您喜欢过的{past}属于同一类",
    "other": "它与您喜欢过的{past}相配",
}
_REST_ENGLISH = {"popular": "many people like it", "appeal": "things of its look are generally liked"}
_REST_CHINESE = {"popular": "很多人喜欢它", "appeal": "这种样子的东西普遍受欢迎"}


def sentences(
    item_id: str, evidence: Evidence, history: Sequence[PastItem], attributes: Sequence[AttributeReason]
) -> dict[str, str]:
    """Language -> sentence.

    Shared attributes are named where look is what the score comes from, or where they are seen to matter to this user.

    Args:
        item_id: the item; that it was liked itself is no reason.
        evidence: its kind and strength choose what is said.
        history: the past items, the largest contribution in size first.
        attributes: the item's attributes, likewise.
    """
    if evidence.strength == "none":
        return _without_history(evidence)
    others = [past for past in history if past.item_id != item_id]
    named = _strongest(others, sign=1)
    against = _strongest(others, sign=-1)
    if evidence.strength == "little" or not named:
        return _with_little(evidence, named, against)
    telling = evidence.attributes_r2 is not None and evidence.attributes_r2 >= _TELLING
    words = [reason for reason in attributes if reason.contribution > 0 and reason.shared and reason.value != "other"]
    words = [reason for reason in words if reason.contribution >= _WORTH_NAMING * words[0].contribution]
    words = words[:_WORDS] if telling or evidence.kind == "visual" else []
    low = [reason for reason in attributes if reason.contribution < 0][:1] if telling else []
    disliked = [past for past in against if not past.liked and -past.contribution > named[0].contribution / 2]
    return {
        "en": _english(evidence, named, words, low, disliked),
        "zh": _chinese(evidence, named, words, low, disliked),
    }


def _english(
    evidence: Evidence,
    named: Sequence[PastItem],
    words: Sequence[AttributeReason],
    low: Sequence[AttributeReason],
    disliked: Sequence[PastItem],
) -> str:
    past = _listed([_english_title(item) for item in named], " and ")
    rest = _REST_ENGLISH.get(evidence.kind)
    text = "Recommended because " + (f"{rest}, and " if rest else "")
    text += _ENGLISH.get(evidence.kind, _ENGLISH["other"]).replace("{past}", past)
    if evidence.kind == "collaborative":
        text += ", and you liked " + ("that" if len(named) == 1 else "those")
    if words:
        text += "; in common they have: " + ", ".join(_english_word(word) for word in words)
    if disliked:
        text += f"; that you did not like {_english_title(disliked[0])} speaks against it"
    elif low and words and -low[0].contribution > 2 * words[0].contribution:
        text += f", although you rarely go for {_english_word(low[0])}"
    return text + "."


def _chinese(
    evidence: Evidence,
    named: Sequence[PastItem],
    words: Sequence[AttributeReason],
    low: Sequence[AttributeReason],
    disliked: Sequence[PastItem],
) -> str:
    past = _listed([_chinese_title(item) for item in named], "和", "、")
    rest = _REST_CHINESE.get(evidence.kind)
    text = "推荐它，是因为" + (f"{rest}，而且" if rest else "")
    text += _CHINESE.get(evidence.kind, _CHINESE["other"]).replace("{past}", past)
    if evidence.kind == "collaborative":
        text += "，而您喜欢过" + ("它" if len(named) == 1 else "这些")
    if words:
        text += "；它们的共同点是：" + "、".join(_chinese_word(word) for word in words)
    if disliked:
        text += f"；但您不喜欢{_chinese_title(disliked[0])}，这对它不利"
    elif low and words and -low[0].contribution > 2 * words[0].contribution:
        text += f"，不过您很少选择{_chinese_word(low[0])}"
    return text + "。"


def _without_history(evidence: Evidence) -> dict[str, str]:
    if evidence.n_liked:
        rest = _REST_ENGLISH.get(evidence.kind, "that is how this model orders items for everybody")
        chinese = _REST_CHINESE.get(evidence.kind, "这个模型对所有人都这样排序")
        return {
            "en": f"This is not based on your taste: {rest}.",
            "zh": f"这不是根据您的喜好推荐的：{chinese}。",
        }
    return {
        "en": "Nothing that you liked is known yet, so this is only one of the items that many people like.",
        "zh": "还不知道您喜欢什么，所以这只是许多人喜欢的商品之一。",
    }


def _with_little(evidence: Evidence, named: Sequence[PastItem], against: Sequence[PastItem]) -> dict[str, str]:
    """What is said where the history hardly speaks for the item, or speaks against it."""
    if evidence.personal < 0 and against:
        liked = against[0].liked
        english = f"you {'liked' if liked else 'did not like'} {_english_title(against[0])}"
        chinese = f"您{'喜欢过' if liked else '不喜欢'}{_chinese_title(against[0])}"
        return {
            "en": f"Your history speaks rather against this: {english}{', and it is unlike that' if liked else ''}.",
            "zh": f"您的记录并不支持推荐它：{chinese}{'，而它与之不同' if liked else ''}。",
        }
    english = "There is little reason in what you liked for this item"
    chinese = "从您喜欢过的东西看，推荐它的理由不多"
    if named:
        english += f"; the nearest is {_english_title(named[0])}"
        chinese += f"；最接近的是{_chinese_title(named[0])}"
    if evidence.kind in _REST_ENGLISH:
        english += f"; mainly, {_REST_ENGLISH[evidence.kind]}"
        chinese += f"；主要是因为{_REST_CHINESE[evidence.kind]}"
    return {"en": english + ".", "zh": chinese + "。"}


def _strongest(history: Sequence[PastItem], sign: int) -> list[PastItem]:
    """The past items to name: those with the largest contributions of that sign, and not far below the first."""
    found = [past for past in history if past.contribution * sign > 0 and (past.liked or sign < 0)]
    # Two items of one name would read like a mistake.
    named = {past.title or past.item_id: past for past in reversed(found)}
    found = [past for past in found if named[past.title or past.item_id] is past][:_NAMED]
    return [past for past in found if abs(past.contribution) >= _WORTH_NAMING * abs(found[0].contribution)]


def _listed(names: Sequence[str], last: str, between: str = ", ") -> str:
    return names[0] if len(names) == 1 else between.join(names[:-1]) + last + names[-1]


def _english_title(past: PastItem) -> str:
    return f"“{past.title or past.item_id}”"


def _chinese_title(past: PastItem) -> str:
    return f"「{past.title or past.item_id}」"


def _english_word(reason: AttributeReason) -> str:
    noun = {"pattern": f"a {reason.value} pattern" if reason.value != "plain" else "a plain surface"}
    colour = {"colour": f"the colour {reason.value}", "colours": f"the colour {reason.value}"}
    return {**noun, **colour}.get(reason.name, f"the look of “{reason.value}”")


def _chinese_word(reason: AttributeReason) -> str:
    return _words().get(reason.value) or f"“{reason.value}”"


@cache
def _words() -> dict[str, str]:
    text = files("visrec.explanation").joinpath("words_zh.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words
