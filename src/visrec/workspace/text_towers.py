"""Texts in the space of a shop's pictures: search by text, and labels told by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.protocols import Scores, TextTower
from visrec.encoders.registry import image_encoder
from visrec.encoders.weights import Say, quiet
from visrec.workspace.assemble import unit_rows

__all__ = ["TextScores", "embed_texts"]

_CAN = "open_clip:ARCHITECTURE/PRETRAINED, and onnx:PATH with a text tower named in PATH.json beside it"


def embed_texts(
    texts: Sequence[str], encoder: str, feature_set: str, root: Path, say: Say = quiet
) -> npt.NDArray[np.float32]:
    """Directions of texts among the embeddings of a feature set of pictures.

    Args:
        texts: one or more.
        encoder: the name a user types, of the encoder that filled the feature set.
        feature_set: its name.
        root: the workspace's folder, for messages.
        say: told what is loaded.

    Returns:
        float32 (len(texts), dim), rows of length 1.

    Raises:
        UnsupportedError: when the encoder embeds pictures only.
        NotFittedError: when the encoder is another by now.
    """
    made = image_encoder(encoder, say=say)
    if not isinstance(made, TextTower):
        raise UnsupportedError(
            f"{encoder} embeds pictures only. Encoders that embed texts in the same space: {_CAN}. "
            f"Run: visrec encode {root} --encoder one of these"
        )
    if made.info.feature_set != feature_set:
        raise NotFittedError(
            f"The pictures of {root} were encoded by another version of {encoder}. "
            f"Run: visrec encode {root} --encoder {encoder}"
        )
    return unit_rows(made.embed_texts(texts))


class TextScores:
    """Scores pictures by their cosine with a text; items without a picture have no score.

    Args:
        text: float32 (dim,), of length 1, in the space of the block "image".
    """

    id = "text"

    def __init__(self, text: npt.NDArray[np.float32]) -> None:
        self._text = text

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """The same for every history; -inf without a picture."""
        block = items.blocks["image"]
        scores = np.where(block.present, block.matrix @ self._text, -np.inf).astype(np.float32)
        return Scores({"visual": np.tile(scores, (len(histories), 1))})
