"""BGE small: English titles and descriptions to embeddings.

Reference:
    Xiao et al. (2023), C-Pack: Packed Resources For General Chinese Embeddings. arXiv:2309.07597
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import WeightsError
from visrec.core.protocols import EncoderInfo
from visrec.encoders.cache import build_once, cache_dir
from visrec.encoders.dequantise import dequantise
from visrec.encoders.session import OnnxSession
from visrec.encoders.weight_table import find_weight
from visrec.encoders.weights import LocalWeights, Say, fetch, quiet

__all__ = ["BgeSmall", "load_tokeniser"]

_DIM = 384
_MAX_TOKENS = 512
_GRAPH_VERSION = 1


class BgeSmall:
    """The [CLS] token's last hidden state, L2-normalised; texts beyond 512 tokens are cut.

    Args:
        threads: threads of ONNX Runtime.
        say: told what is fetched or converted.
        weights: where the weights are; found or fetched when None.
        batch_size: texts that run through the network at once.
    """

    def __init__(
        self,
        threads: int | None = None,
        say: Say = quiet,
        weights: LocalWeights | None = None,
        batch_size: int = 16,
    ) -> None:
        self._say = say
        self._batch_size = batch_size
        self._weights = weights or fetch(find_weight("bge-small"), say)
        source = self._weights.source
        self._info = EncoderInfo(
            id="bge-small",
            modality="text",
            dim=_DIM,
            weights_sha256=source.sha256,
            preprocessing={"pooling": "cls", "max_tokens": _MAX_TOKENS, "normalise": "l2", "prefix": ""},
            licence=self._weights.weight.licence,
            source=f"{source.label} ({source.note})",
        )
        self._session = OnnxSession(self._model, threads)
        self._lock = threading.Lock()
        self._tokeniser: Any = None

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        return self._info

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts; float32 (len(texts), 384), L2-normalised."""
        result = np.zeros((len(texts), _DIM), np.float32)
        if not texts:
            return result
        tokens = self._tokenise(texts)
        # Texts of like length share a batch, for every text of a batch is padded to the longest one.
        order = np.argsort([len(row) for row in tokens], kind="stable")
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            result[rows] = self._embed([tokens[row] for row in rows])
        return result

    def _tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        with self._lock:
            if self._tokeniser is None:
                self._tokeniser = load_tokeniser(self._weights.files[1])
                self._tokeniser.no_padding()
                self._tokeniser.enable_truncation(_MAX_TOKENS)
        return [encoding.ids for encoding in self._tokeniser.encode_batch(list(texts))]

    def _embed(self, tokens: list[list[int]]) -> npt.NDArray[np.float32]:
        longest = max(len(row) for row in tokens)
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros((len(tokens), longest), np.int64)
        for row, values in enumerate(tokens):
            ids[row, : len(values)] = values
            mask[row, : len(values)] = 1
        hidden = self._session.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})
        first = hidden[:, 0]
        return np.asarray(first / np.linalg.norm(first, axis=1, keepdims=True), np.float32)

    def _model(self) -> Path:
        if self._weights.source.kind == "hub":
            return self._weights.files[0]  # Float32 as it is.
        name = f"bge-small-{self._info.weights_sha256[:16]}-v{_GRAPH_VERSION}.onnx"
        return build_once(cache_dir() / "converted" / name, self._convert)

    def _convert(self) -> bytes:
        import onnx

        self._say("Converting bge-small to float32, once on this machine.")
        model = onnx.load(str(self._weights.files[0]))
        dequantise(model)
        return bytes(model.SerializeToString())


def load_tokeniser(path: Path) -> Any:
    """A `tokenizers.Tokenizer` out of a tokenizer.json.

    Raises:
        WeightsError: when the file is none.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # The library raises plain Exception.
        raise WeightsError(f"{path} cannot be read as a tokenizer ({error}).") from error
