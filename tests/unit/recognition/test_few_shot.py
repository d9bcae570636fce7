from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from visrec.core.errors import InputError
from visrec.recognition import few_shot
from visrec.recognition.few_shot import FewShotClassifier, wilson_interval


def blobs(n_each, apart, n_values=3, dim=6, seed=0):
    """Clouds around n_values directions: float32 rows and their labels."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(n_values), n_each)
    return (rng.normal(size=(len(label), dim)) + apart * np.eye(n_values, dim)[label]).astype(np.float32), label


@pytest.mark.parametrize("n_values", [2, 3])
def test_what_lies_apart_is_learned(n_values):
    rows, label = blobs(12, apart=12.0, n_values=n_values)
    learned, judged = FewShotClassifier.fit(rows, label, n_values)
    new, truth = blobs(50, apart=12.0, n_values=n_values, seed=1)
    probability = learned.probabilities(new)
    assert probability.shape == (len(new), n_values)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-5)
    assert (probability.argmax(axis=1) == truth).all()
    assert (judged.accuracy, judged.folds) == (1.0, 5)
    # As many right ones as there are, and one more that is wrong: Laplace.
    n = 12 * n_values
    ceiling = 1 - (1 - 1 / n_values) / (n + 2)
    assert probability.max() == pytest.approx(ceiling, abs=1e-4)
    assert 0.9 < judged.confidence < ceiling


def test_noise_is_not_believed():
    rng = np.random.default_rng(3)
    rows, label = rng.normal(size=(120, 40)).astype(np.float32), rng.integers(0, 3, 120)
    learned, judged = FewShotClassifier.fit(rows, label, 3)
    assert judged.low < 1 / 3 < judged.high
    assert judged.majority == np.bincount(label).max() / 120
    assert judged.confidence == pytest.approx(judged.accuracy, abs=0.15)
    assert learned.probabilities(rng.normal(size=(500, 40)).astype(np.float32)).max(axis=1).mean() < 0.55


def test_cross_validation_is_a_plain_loop():
    """Over folds, with strength and temperature from the other folds, all by brute force."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    rows, label = blobs(10, apart=1.5)
    _, judged = FewShotClassifier.fit(rows, label, 3)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(rows, label))
    temperatures = np.exp(np.linspace(-np.log(20), np.log(20), 301))
    right, sure = 0, []
    logits = {
        (strength, place): LogisticRegression(C=strength, max_iter=3000)
        .fit(rows[learned].astype(float), label[learned])
        .decision_function(rows[held])
        for strength in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
        for place, (learned, held) in enumerate(folds)
    }

    def likelihood(strength, temperature, places):
        total = 0.0
        for place in places:
            power = np.exp(logits[strength, place] / temperature)
            held = label[folds[place][1]]
            total += np.log(power[np.arange(len(held)), held] / power.sum(axis=1)).sum()
        return total

    for place, (_, held) in enumerate(folds):
        others = [other for other in range(5) if other != place]
        choices = [(strength, t) for strength in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0) for t in temperatures]
        strength, temperature = max(choices, key=lambda choice: likelihood(*choice, others))
        power = np.exp(logits[strength, place] / temperature)
        right += (power.argmax(axis=1) == label[held]).sum()
        doubt = 1 / (len(label) - len(held) + 2)
        sure += ((1 - doubt) * power.max(axis=1) / power.sum(axis=1) + doubt / 3).tolist()
    assert 0.5 < judged.accuracy < 1
    assert judged.accuracy == pytest.approx(right / 30)
    assert judged.confidence == pytest.approx(np.mean(sure), abs=0.01)


def test_confidences_of_new_pictures_hold():
    rows, label = blobs(60, apart=2.0, dim=20)
    learned, _ = FewShotClassifier.fit(rows, label, 3)
    new, truth = blobs(3000, apart=2.0, dim=20, seed=5)
    probability = learned.probabilities(new)
    right = probability.argmax(axis=1) == truth
    sure = probability.max(axis=1)
    assert 0.6 < right.mean() < 0.95
    for low, high in ((0.4, 0.6), (0.6, 0.8), (0.8, 0.95)):
        inside = (sure > low) & (sure <= high)
        assert right[inside].mean() == pytest.approx(sure[inside].mean(), abs=0.08)


@pytest.mark.parametrize(("label", "n_values"), [([0, 0, 0], 1), ([0, 0, 1], 2), ([0, 0, 1, 1], 3), ([], 0)])
def test_too_few_examples(label, n_values):
    rows = np.zeros((len(label), 4), dtype=np.float32)
    with pytest.raises(InputError, match="2 examples or more each"):
        FewShotClassifier.fit(rows, np.array(label, dtype=np.int64), n_values)


def test_two_examples_each_are_enough():
    rows, label = blobs(2, apart=20.0)
    _, judged = FewShotClassifier.fit(rows, label, 3)
    assert (judged.folds, judged.accuracy) == (2, 1.0)


def test_many_values_of_two_examples_each():
    """No warning of the library comes through, for warnings are errors here."""
    rows, label = blobs(2, apart=30.0, n_values=30, dim=32)
    _, judged = FewShotClassifier.fit(rows, label, 30)
    assert judged.accuracy > 0.9


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 7), (7, 7), (412, 500)])
def test_wilson_interval_is_scipys(right, n):
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson_interval(right, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_fits_are_counted():
    seen = []

    class Watched:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def advance(self, n=1):
            seen.append(n)

    totals = []

    def progress(label, *, total, unit):
        totals.append(total)
        return Watched()

    rows, label = blobs(5, apart=5.0)
    FewShotClassifier.fit(rows, label, 3, progress)
    assert totals == [sum(seen)] == [len(few_shot._STRENGTHS) * 5 + 1]
