"""Training a network on pictures to what users made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.core.progress import ProgressFactory
from visrec.recommenders.pixel_settings import PixelCNNSettings
from visrec.recommenders.pixel_users import UserPrior
from visrec.training.augmentation import Augmentation
from visrec.training.colours import Colours
from visrec.training.epochs import train_epochs
from visrec.training.picture_network import PictureNetwork, as_pictures

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["PixelTraining", "steps"]

Rows = npt.NDArray[np.int64]
Load = Callable[[Rows], npt.NDArray[np.uint8]]

#: Users' vectors for a picture come from the pictures of the other folds.
_FOLDS = 3
#: Of so many pictures or more, one in ten is held out; training stops after so many epochs without a better one.
_ENOUGH, _HOLD_OUT, _PATIENCE = 200, 10, 4
#: How firmly tastes may be drawn to the mean in the end, relative to training, and how much of the mean taste counts.
_FIRMNESS, _SHARES = (0.3, 1.0, 3.0, 10.0, 100.0), (1.0, 0.5, 0.2, 0.0)
#: The colours of so many pictures are those of all.
_COLOURS_OF = 2048


def steps(settings: PixelCNNSettings, n_pictures: int) -> tuple[int, int]:
    """Steps of a training in all, and in each epoch."""
    each = max(1, math.ceil(n_pictures / max(settings.batch, 3)))
    return min(settings.epochs * each, settings.max_steps), each


class PixelTraining:
    """Adam on the squared error of t(u, i) = b_u + p_u · x_i; a step sees a batch of pictures with all their events.

    Before each epoch the users are folded in (`UserPrior`) from what the network saw in the pictures when it last
    trained on them: a memory bank (Wu et al. 2018, arXiv:1805.01978), at most one epoch old, for sending whole
    histories through the network at every step would cost an epoch each. For a picture of one fold the users come
    from the other folds: they are judged as they will be served, on pictures that their vectors do not know.
    Gradients go into the network and into everybody's mean taste. For likes, background · Σ_u t(u, i)² is added for
    each picture: all pairs count, none is drawn.

    Every tenth picture is held out; the epoch is kept that did best on these, and in the end tastes are drawn to the
    mean as firmly as these ask for.

    Kingma & Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980.

    Attributes:
        losses: of each epoch that was run.
        mean: everybody's (bias, taste), float64 (1 + dim,), after `run`.
        best_epoch: the one that was kept.

    Args:
        network: trained; in evaluation mode after `run`.
        load: rows of pictures to uint8 (n, size, size, 3).
        targets: CSR (n_users, n_pictures), t of each event.
        background: weight of a pair without an event, 0 for ratings.
        settings: see there.
    """

    def __init__(
        self,
        network: PictureNetwork,
        load: Load,
        targets: csr_matrix,
        background: float,
        settings: PixelCNNSettings,
    ) -> None:
        self._network = network
        self._load = load
        self._targets = targets.tocsr().astype(np.float64)
        self._by_picture = targets.tocsc().astype(np.float32)
        self._variance = max(float(np.mean(np.square(targets.data))), 1e-6)
        self._background = background
        self._settings = settings
        self._augment = Augmentation(settings.size, settings.augment, settings.seed) if settings.augment else None
        self._generator = np.random.default_rng(settings.seed)
        self._taste = nn.Parameter(torch.zeros(network.dim + 1))
        n = targets.shape[1]
        order = self._generator.permutation(n)
        held_out = n // _HOLD_OUT if n >= _ENOUGH else 0
        self._folds = np.full(n, -1)
        self._folds[order[held_out:]] = np.arange(n - held_out) % min(_FOLDS, n - held_out)
        self._held_out = np.sort(order[:held_out])
        self._kept: torch.Tensor | None = None
        self._firmness = 1.0
        self.losses: tuple[float, ...] = ()
        self.best_epoch = 0

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Everybody's bias and taste."""
        return self._taste.detach().numpy().astype(np.float64)

    @property
    def ridge(self) -> npt.NDArray[np.float64]:
        """How firmly each is drawn to the mean."""
        settings = self._settings
        taste = self._firmness * settings.taste_regularisation
        return np.append(settings.bias_regularisation, np.full(self._network.dim, taste))

    def run(self, label: str, progress: ProgressFactory) -> None:
        """Train; fewer than two pictures teach nothing."""
        everything = np.arange(len(self._folds))
        if len(everything) < 2:
            self._network.eval()
            return
        self._prepare(everything)
        self._network.train()
        with torch.no_grad():
            self._bank = torch.cat([self._network.finish(self._inputs(rows)) for rows in self._cut(everything)])
        settings, trained = self._settings, np.flatnonzero(self._folds >= 0)
        total, each = steps(settings, len(trained))
        moving = [parameter for parameter in self._network.parameters() if parameter.requires_grad]
        optimiser = torch.optim.Adam(
            [
                {"params": moving, "weight_decay": settings.weight_decay},
                {"params": [self._taste]},
            ],
            lr=settings.learning_rate,
        )
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)
        left = total

        def epoch() -> float:
            nonlocal left
            users = self._fold_users()
            losses = []
            for batch in self._cut(self._generator.permutation(trained))[:left]:
                optimiser.zero_grad()
                vectors = self._network.finish(self._inputs(batch, vary=True))
                self._bank[batch] = vectors.detach()
                loss = self._loss(batch, vectors, users)
                loss.backward()
                optimiser.step()
                cosine.step()
                losses.append(float(loss.detach()))
            left -= len(losses)
            return float(np.mean(losses))

        found = train_epochs(
            nn.ModuleList([self._network, nn.ParameterList([self._taste])]),
            epoch,
            math.ceil(total / each),
            label=label,
            validate=self._validate if len(self._held_out) else None,
            patience=_PATIENCE,
            progress=progress,
        )
        self.losses, self.best_epoch = found.losses, found.best_epoch
        self._network.settle(self._inputs(rows) for rows in self._cut(everything))
        if len(self._held_out):
            self._calibrate(everything)

    def _calibrate(self, everything: Rows) -> None:
        """Believe as much of the mean taste, and of each user's, as fits the held out pictures best.

        What a network sees in the pictures that it was trained on, it does not see as well in others.
        """
        with torch.no_grad():
            self._bank = torch.cat([self._network.finish(self._inputs(rows)) for rows in self._cut(everything)])
            learned, vectors = self._taste[1:].clone(), self._bank[self._held_out]
            found = []
            for self._firmness in _FIRMNESS:
                for share in _SHARES:
                    self._taste[1:] = share * learned
                    loss = float(self._loss(self._held_out, vectors, [self._users()]))
                    found.append((loss, self._firmness, share))
            _, self._firmness, share = min(found)
            self._taste[1:] = share * learned

    def _prepare(self, everything: Rows) -> None:
        """Take the pictures' colours; keep what a frozen front gives, where the pictures never vary."""
        if isinstance(self._network.front, Colours):
            some = np.sort(self._generator.permutation(everything)[:_COLOURS_OF])
            self._network.front.fit(self._load(some))
        elif self._augment is None:
            self._kept = torch.cat(
                [self._network.front(as_pictures(self._load(rows))).half() for rows in self._cut(everything)]
            )

    def _inputs(self, rows: Rows, vary: bool = False) -> torch.Tensor:
        """What the trained part of the network takes."""
        if self._kept is not None:
            return self._kept[rows].float()
        pictures = as_pictures(self._load(rows))
        return self._network.front(self._augment(pictures) if vary and self._augment else pictures)

    def _cut(self, rows: Rows) -> list[Rows]:
        """Rows in batches of nearly one size: never one of a single picture, which has no variance to divide by."""
        return np.array_split(rows, steps(self._settings, len(rows))[1])

    def _fold_users(self) -> list[torch.Tensor]:
        """How users differ from the mean, (n_users, 1 + dim): as each fold meets them, last as new pictures do."""
        return [self._users(self._folds != fold) for fold in range(self._folds.max() + 1)] + [self._users()]

    def _users(self, among: npt.NDArray[np.bool_] | None = None) -> torch.Tensor:
        rows = np.flatnonzero((self._folds >= 0) & (True if among is None else among))
        vectors = self._bank[rows].numpy()
        background = self._background * len(self._folds) / max(len(rows), 1)
        prior = UserPrior.over(vectors, self.mean, self.ridge, background)
        return torch.from_numpy(prior.fold_in(self._targets[:, rows], vectors) - prior.mean).float()

    def _loss(self, batch: Rows, vectors: torch.Tensor, users: list[torch.Tensor]) -> torch.Tensor:
        """Mean squared error of the batch's events, and the background of its pictures, in units of the variance."""
        inputs = torch.cat([torch.ones(len(batch), 1), vectors], dim=1)
        events = self._by_picture[:, batch].tocoo()
        folds = self._folds[batch]
        loss = vectors.sum() * 0.0
        for fold in np.unique(folds).tolist():
            own = users[fold] + self._taste
            mine = np.flatnonzero(folds[events.col] == fold)
            said = (own[events.row[mine]] * inputs[events.col[mine]]).sum(dim=1)
            loss = loss + (torch.from_numpy(events.data[mine]) - said).square().sum()
            if self._background:
                pictures = inputs[torch.from_numpy(folds == fold)]
                loss = loss + self._background * ((pictures @ (own.T @ own)) * pictures).sum()
        return loss / (max(events.nnz, 1) * self._variance)

    def _validate(self) -> float:
        """Less the loss of the pictures that are held out."""
        with torch.no_grad():
            vectors = torch.cat([self._network.finish(self._inputs(rows)) for rows in self._cut(self._held_out)])
            return -float(self._loss(self._held_out, vectors, [self._users()]))
