"""AMR: VBPR that holds its ranking when pictures are disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory
from visrec.core.protocols import Capabilities
from visrec.core.settings import SearchSpace
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.vbpr import VBPR

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from visrec.recommenders.visual_factors import VisualFactors

__all__ = ["AMR", "AMRSettings"]


@dataclass(frozen=True)
class AMRSettings(BPRSettings):
    """Settings of `AMR`; see `BPRSettings`.

    Attributes:
        adversarial_epochs: passes over the likes after those of VBPR, 1 or more.
        adversarial_weight: λ, how much the loss with disturbed pictures counts beside the plain one.
        epsilon: length of the disturbance; the picture's own columns have length 1.
    """

    epochs: int = 12
    adversarial_epochs: int = 8
    adversarial_weight: float = 1.0
    epsilon: float = 0.1

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            **BPRSettings.search,
            "adversarial_weight": SearchSpace(0.1, 10.0, log=True),
            "epsilon": SearchSpace(0.01, 1.0, log=True),
        }
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adversarial_epochs < 1 or self.adversarial_weight < 0 or self.epsilon < 0:
            raise InputError(
                "Expected adversarial_epochs of 1 or more, and adversarial_weight and epsilon of 0 or more, got "
                f"{self.adversarial_epochs}, {self.adversarial_weight} and {self.epsilon}."
            )


class AMR(VBPR):
    """x(u, i) = b_i + u · (γ_i + E x_i) + β · x_i, trained on with pictures disturbed in the way that hurts most.

    Tang, Du, He, Yuan, Tian & Chua (2020), Adversarial Training Towards Robust Multimedia Recommender System, IEEE
    TKDE 32 (5), arXiv:1809.07062: min_Θ max_Δ L(Θ) + λ L(Θ, Δ), with |Δ_i| at most ε; L is the loss of `VBPR`, and
    L(Θ, Δ) the one with x_i + Δ_i for the picture. For each batch Δ_i = ε g_i / |g_i|, with g_i the gradient of L by
    the item's picture. As in the paper, the plain loss is trained first and the other one then, and a user has one
    vector for γ and the picture. Deviations: the picture is its principal components, of length 1, and ε is relative
    to it; biases b and β, which the paper leaves out, so that the disturbed picture changes β · x_i too; the rest as
    in `VBPR`.

    Complexity: twice that of `VBPR` for an adversarial epoch. Parts and limits: as `VBPR`.
    """

    id = "amr"
    capabilities = Capabilities(needs=("image",))
    _settings: ClassVar[type[Any]] = AMRSettings

    def _train(
        self, module: VisualFactors, inputs: npt.NDArray[np.float32], liked: csr_matrix, progress: ProgressFactory
    ) -> None:
        from visrec.recommenders.bpr_training import adversarial_step, train_bpr

        settings = self.settings
        super()._train(module, inputs, liked, progress)
        columns = module.fusion.slices.get("image") if module.fusion else None
        if columns is None:
            return
        # Another seed than before, or the first negatives would come again.
        then = replace(settings, epochs=settings.adversarial_epochs, seed=settings.seed + 1)
        step = adversarial_step(columns, settings.epsilon, settings.adversarial_weight)
        train_bpr(
            module, inputs, liked, then, step=step, label=f"train {self.id} against disturbance", progress=progress
        )
