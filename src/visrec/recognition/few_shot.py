"""A shop's own labels from few examples: a linear classifier on embeddings, and how far it can be trusted."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent

__all__ = ["CrossValidation", "FewShotClassifier", "wilson_interval"]

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float64]

#: Inverse strengths of the penalty that are tried.
_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FOLDS = 5
_SEED = 0
_ITERATIONS = 300
#: Temperatures lie between 1 / this and this.
_MOST_TEMPERATURE = 20.0
#: The 97.5th percentile of the standard normal distribution.
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class CrossValidation:
    """How a classifier did on examples that it had not seen, each once.

    Attributes:
        accuracy: share of the examples that got their value.
        low: lower end of the 95 % interval of `accuracy`.
        high: upper end.
        majority: share of the commonest value: what always saying that one would reach.
        confidence: mean confidence of what was said; near `accuracy` where confidences hold.
        folds: into how many parts the examples were divided.
    """

    accuracy: float
    low: float
    high: float
    majority: float
    confidence: float
    folds: int

    def to_json(self) -> dict[str, float]:
        """The attributes, rounded."""
        return {name: round(value, 4) for name, value in vars(self).items()}


@dataclass(frozen=True)
class FewShotClassifier:
    """Multinomial logistic regression with an L2 penalty, and one temperature.

    The penalty's strength is the one under which held-out examples are likeliest, over stratified folds. The logits of
    the same held-out examples give the temperature (Guo et al. 2017, On Calibration of Modern Neural Networks,
    arXiv:1706.04599), so that a confidence of .8 is right in .8 of cases, among pictures like the examples. Where all
    n held-out examples are right, that would be certainty: Laplace's rule of succession leaves 1/(n + 2) to chance.

    Attributes:
        weight: float32 (n_values, dim), the temperature divided out.
        bias: float32 (n_values,), likewise.
        doubt: share of the confidence that all values have alike, 0 … 1.
    """

    weight: Rows
    bias: Rows
    doubt: float = 0.0

    @classmethod
    def fit(
        cls, rows: Rows, label: Labels, n_values: int, progress: ProgressFactory = silent
    ) -> tuple[FewShotClassifier, CrossValidation]:
        """Learn from examples; deterministic.

        What is reported of an example was made without it: the classifier did not see its fold, and strength and
        temperature were chosen by the other folds.

        Args:
            rows: float32 (n, dim), embeddings, of length 1 or so.
            label: int64 (n,), places among n_values values.
            n_values: how many values there are, each with 2 examples or more.
            progress: shows the fits.

        Raises:
            InputError: when there are fewer than 2 values, or a value has fewer than 2 examples.
        """
        counts = np.bincount(label, minlength=n_values)
        if n_values < 2 or counts.min() < 2:
            raise InputError(f"Expected 2 values or more with 2 examples or more each, got {counts.tolist()} examples.")
        folds = _folds(label, min(_FOLDS, int(counts.min())))
        n_folds = int(folds.max()) + 1
        logits = np.zeros((len(_STRENGTHS), len(rows), n_values))
        with progress("learn", total=len(_STRENGTHS) * n_folds + 1, unit="fits") as watched:
            for fold in range(n_folds):
                learned, held = folds != fold, folds == fold
                for place, strength in enumerate(_STRENGTHS):
                    weight, bias = _fit(rows[learned], label[learned], strength)
                    logits[place, held] = rows[held] @ weight.T + bias
                    watched.advance()
            strength, temperature = _choose(logits, label)
            weight, bias = _fit(rows, label, _STRENGTHS[strength])
            watched.advance()
        scaled = [(array / temperature).astype(np.float32) for array in (weight, bias)]
        return cls(scaled[0], scaled[1], _doubt(len(label))), _judge(logits, label, folds)

    def probabilities(self, rows: Rows) -> Rows:
        """Confidence of each value, float32 (n, n_values), each row adding up to 1, for float32 (n, dim) rows."""
        return _softmax(rows @ self.weight.T + self.bias, self.doubt).astype(np.float32)


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]

    Reference:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    z2, share = _NORMAL**2, n_right / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _NORMAL * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - reach, middle + reach


def _folds(label: Labels, n_folds: int) -> Labels:
    """Fold of each example, each value spread over all of them."""
    from sklearn.model_selection import StratifiedKFold

    fold = np.zeros(len(label), dtype=np.int64)
    split = StratifiedKFold(n_folds, shuffle=True, random_state=_SEED).split(np.zeros((len(label), 1)), label)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        for place, (_, held) in enumerate(split):
            fold[held] = place
    return fold


def _fit(rows: Rows, label: Labels, strength: float) -> tuple[Logits, Logits]:
    """Weights (n_values, dim) and biases (n_values,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # With a weak penalty the last digits take long, and are not needed.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Many values of two examples each are what is meant.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(rows.astype(np.float64), label)
    if len(model.coef_) > 1:
        return model.coef_, model.intercept_
    # Of two values there is one logit, the second one's.
    zero = np.zeros_like(model.coef_)
    return np.concatenate([zero, model.coef_]), np.concatenate([[0.0], model.intercept_])


def _choose(logits: npt.NDArray[np.float64], label: Labels) -> tuple[int, float]:
    """Place of the strength, and the temperature, under which held-out examples are likeliest."""
    losses = [_temper(one, label) for one in logits]
    best = int(np.argmin([loss for loss, _ in losses]))
    return best, losses[best][1]


def _temper(logits: Logits, label: Labels) -> tuple[float, float]:
    """The least mean negative log likelihood, and the temperature that gives it."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        own = scaled[np.arange(len(label)), label]
        most = scaled.max(axis=1)
        return float(np.mean(most + np.log(np.exp(scaled - most[:, None]).sum(axis=1)) - own))

    reach = math.log(_MOST_TEMPERATURE)
    found = minimize_scalar(loss, bounds=(-reach, reach), method="bounded")
    return float(found.fun), math.exp(float(found.x))


def _judge(logits: npt.NDArray[np.float64], label: Labels, folds: Labels) -> CrossValidation:
    """Each fold with the strength and temperature that the other folds choose."""
    n_folds = int(folds.max()) + 1
    said = np.zeros(len(label), dtype=np.int64)
    sure = np.zeros(len(label))
    for fold in range(n_folds):
        held = folds == fold
        strength, temperature = _choose(logits[:, ~held], label[~held])
        probability = _softmax(logits[strength, held] / temperature, _doubt(int((~held).sum())))
        said[held], sure[held] = probability.argmax(axis=1), probability.max(axis=1)
    n_right = int((said == label).sum())
    low, high = wilson_interval(n_right, len(label))
    majority = float(np.bincount(label).max() / len(label))
    return CrossValidation(n_right / len(label), low, high, majority, float(sure.mean()), n_folds)


def _doubt(n_examples: int) -> float:
    return 1.0 / (n_examples + 2)


def _softmax(logits: npt.NDArray[Any], doubt: float) -> npt.NDArray[Any]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (1.0 - doubt) * powers / powers.sum(axis=1, keepdims=True) + doubt / logits.shape[1]
