from dataclasses import FrozenInstanceError

import pytest

from visrec.core.errors import InputError
from visrec.core.settings import FeedbackRules, ImageLimits


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
