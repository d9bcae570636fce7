"""What a picture shows: the 1,000 ImageNet classes of the bundled network, and readable groups above them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.core.protocols import EncoderInfo

__all__ = ["Classifier", "ImageNetClasses", "Objects"]

#: Gives the last layer of the network: float32 (1000, dim) and (1000,). Called when pictures are first looked at.
Classifier = Callable[[], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]

# Raised whenever a measurement changes, so that old ones are not taken for new ones. Words may change freely.
_VERSION = 1
#: Classes that are kept of each picture.
_KEPT = 5
#: Logits are divided by it before they become probabilities; see the class.
_TEMPERATURE = 0.9
#: A word that is less likely is not said.
_LEAST = {"object": 0.5, "group": 0.4, "kind": 0.4}
#: Groups and kinds that say nothing begin so.
_SAYS_NOTHING = "other"


class ImageNetClasses:
    """The table of classes, in the order of the network's outputs.

    Attributes:
        names: such as "folding chair".
        groups: all groups, such as "seat".
        kinds: all kinds, such as "furniture".
        group_of: int64 (1000,), places in `groups`.
        kind_of: int64 (1000,), places in `kinds`.
    """

    def __init__(self) -> None:
        text = files("visrec.recognition").joinpath("imagenet_classes.tsv").read_text(encoding="utf-8")
        rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
        self.names = tuple(row[1] for row in rows)
        self.groups = tuple(dict.fromkeys(row[2] for row in rows))
        self.kinds = tuple(dict.fromkeys(row[3] for row in rows))
        self.group_of = np.array([self.groups.index(row[2]) for row in rows], dtype=np.int64)
        self.kind_of = np.array([self.kinds.index(row[3]) for row in rows], dtype=np.int64)


class Objects:
    """Recognizer of objects and scenes, from the embeddings of efficientnet-lite0: no picture is read again.

    The network's own last layer gives a probability to each of the 1,000 classes of ILSVRC 2012 (Russakovsky et al.
    2015, arXiv:1409.0575). `object` is the likeliest class, `group` ("dog", "seat", "fruit") and `kind` ("animal",
    "furniture", "food") the likeliest sum over the classes below them: a group is often sure where no class is. Groups
    follow WordNet 3.0.

    Confidences have one temperature (Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599), set
    where groups and kinds of ikea-rooms and a sixth of hm-fashion are as often right as they claim, over both.

    Limits: it knows no words but its own. Much of what shops sell (a blouse, a bracelet) is none of the classes, and is
    then taken for the nearest one.

    Args:
        source: the encoder whose embeddings it takes.
        classifier: the network's last layer.
    """

    names: tuple[str, ...] = ("object", "group", "kind")

    def __init__(self, source: EncoderInfo, classifier: Classifier) -> None:
        self._source = source
        self._classifier = classifier
        self._classes = ImageNetClasses()
        self._info = EncoderInfo(
            id="objects",
            modality="image",
            dim=2 * _KEPT + len(self._classes.groups) + len(self._classes.kinds),
            weights_sha256=source.weights_sha256,
            preprocessing={"version": _VERSION, "temperature": _TEMPERATURE, "embedding": source.fingerprint},
            licence=source.licence,
            source=source.source,
        )

    @property
    def info(self) -> EncoderInfo:
        """Identity and dimension of the measurements."""
        return self._info

    @property
    def source(self) -> EncoderInfo:
        """The encoder whose embeddings it takes."""
        return self._source

    def measure(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities of classes, groups and kinds.

        Args:
            embeddings: float32 (n, dim) of `source`.

        Returns:
            float32 (n, info.dim): the five likeliest classes, their probabilities, then all groups, then all kinds.
        """
        weight, bias = self._last_layer
        logits = (embeddings @ weight.T + bias) / _TEMPERATURE
        probability = np.exp(logits - logits.max(axis=1, keepdims=True))
        probability /= probability.sum(axis=1, keepdims=True)
        best = np.argsort(-probability, axis=1, kind="stable")[:, :_KEPT]
        return np.concatenate(
            [
                best,
                np.take_along_axis(probability, best, axis=1),
                probability @ _one_hot(self._classes.group_of, len(self._classes.groups)),
                probability @ _one_hot(self._classes.kind_of, len(self._classes.kinds)),
            ],
            axis=1,
        ).astype(np.float32)

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """Columns `object`, `group` and `kind`; nothing is said of a picture where nothing is likely enough."""
        n_groups = len(self._classes.groups)
        first, groups = measured[:, 0].astype(np.int64), measured[:, 2 * _KEPT : 2 * _KEPT + n_groups]
        kinds = measured[:, 2 * _KEPT + n_groups :]
        return [
            _likely("object", self._classes.names, first, measured[:, _KEPT]),
            _likely("group", self._classes.groups, groups.argmax(axis=1), groups.max(axis=1, initial=0.0)),
            _likely("kind", self._classes.kinds, kinds.argmax(axis=1), kinds.max(axis=1, initial=0.0)),
        ]

    @cached_property
    def _last_layer(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return self._classifier()


def _one_hot(owner: npt.NDArray[np.int64], n_owners: int) -> npt.NDArray[np.float32]:
    return (owner[:, None] == np.arange(n_owners)).astype(np.float32)


def _likely(
    name: str, labels: tuple[str, ...], label: npt.NDArray[np.int64], confidence: npt.NDArray[np.float32]
) -> AttributeColumn:
    speaks = np.array([not word.startswith(_SAYS_NOTHING) for word in labels])
    rows = np.flatnonzero((confidence >= _LEAST[name]) & speaks[label])
    amount = np.full(len(rows), np.nan, dtype=np.float32)
    return AttributeColumn(
        name, labels, rows, label[rows].astype(np.int64), confidence[rows].astype(np.float32), amount
    )
