"""The text tower of a user's own pair of ONNX files: texts to embeddings in the space of the pictures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.encoders.bge_small import load_tokeniser
from visrec.encoders.session import OnnxSession

__all__ = ["OnnxTextTower"]

#: What the inputs of such graphs are called, where there are several.
_IDS, _MASK = "input_ids", "attention_mask"
#: Tokens that are kept where neither the graph nor the tokenizer says; CLIP's own limit.
_MOST_TOKENS = 77


class OnnxTextTower:
    """Tokens through a graph; loaded at the first text.

    Args:
        model: an .onnx file whose input is token ids (n, length), alone or as `input_ids` with `attention_mask` and
            others (which get zeros), and whose output is (n, dim).
        tokeniser: a tokenizer.json of the tokenizers library; its padding and truncation are kept.
        dim: length of the pictures' embeddings.
        output: name of the output; None: the first.
        threads: threads of ONNX Runtime.

    Raises:
        InputError: when a file does not exist.
    """

    def __init__(
        self, model: Path, tokeniser: Path, dim: int, output: str | None = None, threads: int | None = None
    ) -> None:
        for file in (model, tokeniser):
            if not file.is_file():
                raise InputError(f"Expected the text tower's file {file}, which does not exist.")
        self._model, self._tokeniser_file, self._dim = model, tokeniser, dim
        self._session = OnnxSession(lambda: model, threads, output=output)
        self._lock = threading.Lock()
        self._tokeniser: Any = None

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts; float32 (len(texts), dim).

        Raises:
            InputError: when the graph takes or gives something else.
        """
        inputs = {one.name: one for one in self._session.raw.get_inputs()}
        ids_name = next(iter(inputs)) if len(inputs) == 1 else _IDS
        if ids_name not in inputs:
            raise InputError(f"{self._model}: expected an input {_IDS!r}, it has {', '.join(inputs)}.")
        length = inputs[ids_name].shape[-1]
        ids, mask = self._tokens(texts, length if isinstance(length, int) else None)
        fed = {ids_name: ids, _MASK: mask}
        kinds = {name: np.int32 if "int32" in one.type else np.int64 for name, one in inputs.items()}
        given = {name: fed.get(name, np.zeros_like(ids)).astype(kind) for name, kind in kinds.items()}
        embeddings = self._session.run(given)
        if embeddings.shape != (len(texts), self._dim):
            raise InputError(
                f"{self._model}: expected text embeddings ({len(texts)}, {self._dim}), as long as those of the "
                f'pictures, got {embeddings.shape}. Name the right output as "text_output".'
            )
        return embeddings

    def _tokens(self, texts: Sequence[str], length: int | None) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Ids and mask, (n, length); length is the graph's own, else the longest text's."""
        with self._lock:
            if self._tokeniser is None:
                self._tokeniser = load_tokeniser(self._tokeniser_file)
            if length is not None or self._tokeniser.truncation is None:
                self._tokeniser.enable_truncation(length or _MOST_TOKENS)
            encoded = self._tokeniser.encode_batch(list(texts))
        padding = self._tokeniser.padding or {}
        width = length or max(1, max(len(one.ids) for one in encoded))
        ids = np.full((len(texts), width), padding.get("pad_id", 0), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(encoded):
            kept = one.ids[:width]
            ids[row, : len(kept)], mask[row, : len(kept)] = kept, one.attention_mask[:width]
        return ids, mask
