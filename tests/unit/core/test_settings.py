from dataclasses import FrozenInstanceError, dataclass

import pytest

from visrec.core.errors import InputError
from visrec.core.settings import FeedbackRules, ImageLimits, change_settings


def test_defaults():
    rules = FeedbackRules()
    assert rules.positive_threshold is None
    assert rules.value_influence == 0.2
    liked = {"buy", "like", "save", "cart", "rate", "interaction", "click", "view"}
    assert {kind for kind, weight in rules.kind_weights.items() if weight > 0} == liked
    assert {kind for kind, weight in rules.kind_weights.items() if weight < 0} == {"skip", "dislike"}
    assert rules.kind_weights["view"] < rules.kind_weights["click"] < rules.kind_weights["cart"]


def test_settings_cannot_change():
    with pytest.raises(FrozenInstanceError):
        FeedbackRules().value_influence = 0.5  # type: ignore[misc]
    with pytest.raises(TypeError):
        FeedbackRules().kind_weights["buy"] = 2.0  # type: ignore[index]


@pytest.mark.parametrize("influence", [-0.1, 1.0, float("nan")])
def test_an_influence_beyond_its_range_is_refused(influence):
    with pytest.raises(InputError, match="value_influence"):
        FeedbackRules(value_influence=influence)


def test_a_threshold_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="NaN"):
        FeedbackRules(positive_threshold=float("nan"))
    assert FeedbackRules(positive_threshold=-1.0, value_influence=0.0).positive_threshold == -1.0


@pytest.mark.parametrize("limits", [{"max_pixels": 0}, {"max_bytes": 0}])
def test_limits_start_at_1(limits):
    with pytest.raises(InputError, match="1 or more"):
        ImageLimits(**limits)


@dataclass(frozen=True)
class Made:
    dim: int = 8
    rate: float = 0.5
    decay: float | None = None
    on: bool = False
    name: str = "a"
    blocks: tuple[str, ...] = ("image",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dim": "16"}, Made(dim=16)),
        ({"rate": 2}, Made(rate=2.0)),
        ({"decay": "3"}, Made(decay=3.0)),
        ({"decay": None}, Made()),
        ({"decay": "none"}, Made()),
        ({"on": "True"}, Made(on=True)),
        ({"name": "7"}, Made(name="7")),
        ({"blocks": '["text", "image"]'}, Made(blocks=("text", "image"))),
        ({}, Made()),
    ],
)
def test_a_setting_is_changed_by_its_value_or_by_the_text_of_one(change, expected):
    changed = change_settings("made", Made(), change)
    assert changed == expected
    assert [type(value) for value in vars(changed).values()] == [type(value) for value in vars(expected).values()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": 1}, r"made has no setting 'dims'. It has: blocks, decay, dim, name, on, rate."),
        ({"dim": 1.5}, r"'dim' of made as int, got 1.5"),
        ({"dim": True}, r"'dim' of made as int, got True"),
        ({"dim": "x"}, r"'dim' of made as int, got 'x'"),
        ({"on": 1}, r"'on' of made as bool, got 1"),
        ({"rate": "NaN"}, r"finite number as setting 'rate'"),
        ({"blocks": "image"}, r"'blocks' of made as tuple"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        change_settings("made", Made(), change)
