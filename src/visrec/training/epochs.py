"""The loop over epochs, with early stopping."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent

__all__ = ["Trained", "train_epochs"]


@dataclass(frozen=True)
class Trained:
    """What the loop did.

    Attributes:
        losses: the loss of each epoch that was run.
        validations: what `validate` gave after each epoch; () without it.
        best_epoch: the epoch, from 1, whose weights the module has now.
    """

    losses: tuple[float, ...]
    validations: tuple[float, ...]
    best_epoch: int


def train_epochs(
    module: nn.Module,
    epoch: Callable[[], float],
    n_epochs: int,
    *,
    label: str = "train",
    validate: Callable[[], float] | None = None,
    patience: int = 5,
    progress: ProgressFactory = silent,
) -> Trained:
    """Run epochs; with `validate`, stop after `patience` epochs without a better value and go back to the best.

    Args:
        module: what is trained; in evaluation mode afterwards.
        epoch: trains for one pass over the data and returns its mean loss.
        n_epochs: 1 or more, at most so many.
        label: for the progress.
        validate: higher is better; called in evaluation mode after each epoch.
        patience: 1 or more.
        progress: shows epochs.

    Raises:
        InputError: when n_epochs or patience is below 1.
    """
    if n_epochs < 1 or patience < 1:
        raise InputError(f"Expected 1 or more epochs and a patience of 1 or more, got {n_epochs} and {patience}.")
    losses: list[float] = []
    validations: list[float] = []
    best = (float("-inf"), n_epochs, None)
    with progress(label, total=n_epochs, unit="epochs") as watch:
        for number in range(1, n_epochs + 1):
            module.train()
            losses.append(epoch())
            module.eval()
            watch.advance()
            if validate is None:
                continue
            validations.append(validate())
            if validations[-1] > best[0]:
                best = (validations[-1], number, copy.deepcopy(module.state_dict()))
            elif number - best[1] >= patience:
                break
    if best[2] is not None:
        module.load_state_dict(best[2])
    return Trained(tuple(losses), tuple(validations), best[1])
