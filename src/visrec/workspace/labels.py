"""A shop's own attributes, learned from few examples: labelling, proposals, and what to label next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.report import ProblemLog
from visrec.core.attributes import Attribute, AttributeColumn
from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.encoders.weights import Say, quiet
from visrec.workspace.assemble import image_block
from visrec.workspace.checks import check_k
from visrec.workspace.encoder_names import full_name
from visrec.workspace.feature_sets import FeatureSets
from visrec.workspace.label_examples import read_examples
from visrec.workspace.label_names import check_label_name
from visrec.workspace.label_space import in_label_space, label_space
from visrec.workspace.label_store import LabelSet, LabelStore

if TYPE_CHECKING:
    from visrec.recognition.few_shot import FewShotClassifier

__all__ = ["LabelReport", "Labels"]

#: What CLIP's training multiplies cosines by, at its upper bound, which it reaches.
_SCALE = np.float32(100.0)
#: Items that are told at once: bounds the memory.
_AT_ONCE = 50_000


@dataclass(frozen=True)
class LabelReport:
    """What labelling came to.

    Attributes:
        attribute: its name.
        encoder: whose embeddings it is told by.
        examples: value -> how many examples there are of it now.
        n_new: items that had no example before.
        n_changed: items whose example has another value now.
        proposals: value -> how many other items it is proposed for.
        judged: what cross-validation found, see `CrossValidation`; empty where nothing was learned.
        problems: rows that were not used: {"line", "subject", "reason"}; at most 10,000 of each reason.
        totals: reason -> how many there are.
    """

    attribute: str
    encoder: str
    examples: Mapping[str, int]
    n_new: int
    n_changed: int
    proposals: Mapping[str, int]
    judged: Mapping[str, float]
    problems: tuple[Mapping[str, Any], ...] = ()
    totals: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON-able values."""
        return {**vars(self), "problems": list(self.problems), "totals": dict(self.totals or {})}

    def summary(self) -> str:
        """A few lines for the screen."""
        n = sum(self.examples.values())
        counts = ", ".join(f"{value} {count:,}" for value, count in self.examples.items())
        lines = [f"{self.attribute}: {n:,} examples ({counts}), {self.n_new:,} new, {self.n_changed:,} changed"]
        if self.judged:
            judged = self.judged
            lines.append(
                f"  cross-validated accuracy {judged['accuracy']:.3f} ({judged['low']:.3f}–{judged['high']:.3f}), "
                f"always the commonest value {judged['majority']:.3f}; mean confidence {judged['confidence']:.3f}; "
                f"{judged['folds']:.0f} folds, {self.encoder}"
            )
        told = ", ".join(f"{value} {count:,}" for value, count in self.proposals.items())
        lines.append(f"  proposed for {sum(self.proposals.values()):,} other items: {told or 'none'}")
        for reason, count in (self.totals or {}).items():
            named = [str(problem["subject"]) for problem in self.problems if problem["reason"] == reason][:3]
            lines.append(f"  not used, {count:,} x {reason}: {'; '.join(named)}{' …' if count > 3 else ''}")
        return "\n".join(lines)


class Labels:
    """The attributes that a shop itself has named, learned from examples or told by their names: `Workspace.labels`.

    They are used like recognised ones: in filters, in `attributes.columns()` and `.block()`, and by tastes. What was
    learned is stored; what it says of an item is made of the stored embeddings when it is asked for, so a new item has
    its proposals as soon as it is encoded.

    Args:
        root: the workspace's folder, for messages.
        catalogue: whose items.
        feature_sets: finds the embeddings.
        store: where label sets are kept.
    """

    def __init__(self, root: Path, catalogue: Catalogue, feature_sets: FeatureSets, store: LabelStore) -> None:
        self._root = root
        self._catalogue = catalogue
        self._feature_sets = feature_sets
        self._store = store
        self._told: tuple[object, dict[str, AttributeColumn]] = (None, {})
        self._last: tuple[object, tuple[FeatureBlock, IdMap] | None] = (None, None)

    def names(self) -> list[str]:
        """Names of the attributes."""
        return self._store.names()

    def examples(self, attribute: str) -> dict[str, str]:
        """Item id -> value, as people gave them.

        Raises:
            NotFoundError: when there is no such attribute.
        """
        return dict(self._store.load(attribute).examples)

    def learn(
        self,
        attribute: str,
        examples: str | Path | Mapping[str, str],
        *,
        encoder: str | None = None,
        progress: ProgressFactory = silent,
    ) -> LabelReport:
        """Learn an attribute from examples, together with those given before; an item's new value replaces its old one.

        Args:
            attribute: its name, such as "sleeve".
            examples: a CSV, JSON Lines or Parquet file with columns item_id and value; or item id -> value.
            encoder: an encoder that the shop is encoded with; None: the one in use.
            progress: shows the fits.

        Raises:
            InputError: when the name cannot be had, the file cannot be used, or, with the examples given before, there
                are not 2 values of 2 examples each. Nothing was changed.
            NotFittedError: before `encode`.
            NotFoundError: when the shop is not encoded with that encoder.
            WorkspaceError: when another process is labelling this attribute.
        """
        from visrec.recognition.few_shot import FewShotClassifier

        check_label_name(attribute, self._catalogue.items().column_names)
        name, feature_set = self._features(encoder)
        block, item_ids = self._block(feature_set)
        log = ProblemLog()
        given = read_examples(examples, item_ids, block.present, log)
        with self._store.writing(attribute):
            before = self.examples(attribute) if attribute in self.names() else {}
            after = {**before, **given}
            rows, label, values = _usable(attribute, after, item_ids, block.present, log)
            arrays = label_space(block.matrix[block.present])
            learned, judged = FewShotClassifier.fit(
                in_label_space(block.matrix[rows], arrays), label, len(values), progress
            )
            arrays |= {"weight": learned.weight, "bias": learned.bias, "doubt": np.array(learned.doubt)}
            self._store.save(LabelSet(attribute, feature_set, name, values, after, judged.to_json(), arrays))
        changed = sum(before[item_id] != value for item_id, value in given.items() if item_id in before)
        return self._report(attribute, len(given.keys() - before.keys()), changed, log)

    def tell(
        self, attribute: str, values: Sequence[str], *, encoder: str | None = None, say: Say = quiet
    ) -> LabelReport:
        """Tell an attribute by the names of its values alone, without an example (zero-shot).

        A picture is compared with "a photo of VALUE", as CLIP was trained to (Radford et al. 2021, arXiv:2103.00020,
        section 3.1). These confidences were not calibrated on anything. Examples that there are stay as they are, and
        `learn` replaces what is told by names.

        Args:
            attribute: its name, such as "style".
            values: two or more, such as "modern" and "rustic".
            encoder: an encoder that the shop is encoded with, and that embeds texts too; None: the one in use.
            say: told what is loaded.

        Raises:
            InputError: when the name cannot be had, or there are not two values that differ.
            UnsupportedError: when the encoder embeds pictures only.
            NotFittedError, NotFoundError, WorkspaceError: as `learn`.
        """
        from visrec.workspace.text_towers import embed_texts

        check_label_name(attribute, self._catalogue.items().column_names)
        told = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
        if len(told) < 2:
            raise InputError(f"Expected two values or more for {attribute!r}, got {', '.join(told) or 'none'}.")
        name, feature_set = self._features(encoder)
        weight = _SCALE * embed_texts([f"a photo of {value}" for value in told], name, feature_set, self._root, say)
        arrays = {"weight": weight, "bias": np.zeros(len(told), dtype=np.float32), "doubt": np.array(0.0)}
        with self._store.writing(attribute):
            given = self.examples(attribute) if attribute in self.names() else {}
            self._store.save(LabelSet(attribute, feature_set, name, told, given, {}, arrays))
        return self.report(attribute)

    def forget(self, attribute: str) -> None:
        """Take an attribute out, with its examples.

        Raises:
            NotFoundError: when there is no such attribute.
        """
        with self._store.writing(attribute):
            self._store.forget(attribute)

    def report(self, attribute: str) -> LabelReport:
        """What labelling has come to so far.

        Raises:
            NotFoundError: when there is no such attribute.
        """
        return self._report(attribute, 0, 0, ProblemLog())

    def next(self, attribute: str, k: int = 12) -> dict[str, Attribute]:
        """The items whose label would teach most: those that it is least sure of, unlike each other and the examples.

        Returns:
            Item id -> what is proposed for it, the most wanted first; fewer than k where there are no more.

        Raises:
            InputError: when k is below 1.
            NotFoundError: when there is no such attribute.
        """
        from visrec.recognition.next_pictures import least_sure

        check_k(k)
        labels = self._store.load(attribute)
        block, item_ids = self._block(labels.feature_set)
        known = item_ids.rows(list(labels.examples))
        known = known[known >= 0]
        open_ = block.present.copy()
        open_[known] = False
        rows = np.flatnonzero(open_)
        if not len(rows):
            return {}
        space = in_label_space(block.matrix, labels.arrays)
        places = least_sure(_classifier(labels).probabilities(space[rows]), space[rows], k, space[known])
        column = self.columns()[attribute]
        return {item_ids[row]: column.of(row)[0] for row in rows[places].tolist()}

    def columns(self) -> dict[str, AttributeColumn]:
        """Every attribute by its name; rows are those of `catalogue.items()`. The same object while nothing changes.

        An item with an example has its value with confidence 1, every other one with an encoded picture the value that
        is likeliest.
        """
        store, names = self._catalogue.features, self.names()
        sets = {name: self._store.load(name) for name in names}
        versions = [(name, self._store.version(name), store.version(one.feature_set)) for name, one in sets.items()]
        state = (self._catalogue.version, versions)
        if self._told[0] != state:
            self._told = (state, {name: self._column(one) for name, one in sets.items()})
        return self._told[1]

    # ---------------------------------------------------------------- private

    def _features(self, encoder: str | None) -> tuple[str, str]:
        """The encoder to learn by, as a user types it, and its feature set."""
        if encoder is not None:
            return full_name(encoder), self._feature_sets.of_encoder(encoder)
        return self._feature_sets.pictures_in_use()

    def _block(self, feature_set: str) -> tuple[FeatureBlock, IdMap]:
        """Embeddings of the items' pictures, and the items; those that were last asked for are kept."""
        store = self._catalogue.features
        state = (self._catalogue.version, feature_set, store.version(feature_set))
        known, last = self._last
        if last is None or known != state:
            item_ids = IdMap(self._catalogue.items().column("item_id").to_pylist())
            last = image_block(item_ids, self._catalogue.images(), store, feature_set), item_ids
            self._last = (state, last)
        return last

    def _column(self, labels: LabelSet) -> AttributeColumn:
        block, item_ids = self._block(labels.feature_set)
        classifier = _classifier(labels)
        values = tuple(dict.fromkeys([*labels.values, *labels.examples.values()]))
        label = np.full(len(item_ids), -1, dtype=np.int64)
        confidence = np.zeros(len(item_ids), dtype=np.float32)
        rows = np.flatnonzero(block.present)
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            probability = classifier.probabilities(in_label_space(block.matrix[part], labels.arrays))
            label[part], confidence[part] = probability.argmax(axis=1), probability.max(axis=1)
        given = item_ids.rows(list(labels.examples))
        place = {value: place for place, value in enumerate(values)}
        told = np.array([place[value] for value in labels.examples.values()], dtype=np.int64)
        label[given[given >= 0]] = told[given >= 0]
        confidence[given[given >= 0]] = 1.0
        rows = np.flatnonzero(label >= 0)
        nothing = np.full(len(rows), np.nan, dtype=np.float32)
        return AttributeColumn(labels.name, values, rows, label[rows], confidence[rows], nothing)

    def _report(self, attribute: str, n_new: int, n_changed: int, log: ProblemLog) -> LabelReport:
        labels, column = self._store.load(attribute), self.columns()[attribute]
        counts = Counter(column.labels[place] for place in column.label.tolist())
        there = set(self._catalogue.items().column("item_id").to_pylist())
        counts.subtract(value for item_id, value in labels.examples.items() if item_id in there)
        totals: Counter[str] = Counter()
        for (_, reason), n in log.totals.items():
            totals[reason] += n
        return LabelReport(
            attribute,
            labels.encoder,
            dict(Counter(labels.examples.values()).most_common()),
            n_new,
            n_changed,
            {value: n for value, n in counts.most_common() if n},
            labels.judged,
            tuple({"line": p.line, "subject": p.subject, "reason": p.reason} for p in log.problems),
            totals,
        )


def _usable(
    attribute: str, examples: Mapping[str, str], item_ids: IdMap, pictured: npt.NDArray[np.bool_], log: ProblemLog
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], tuple[str, ...]]:
    """Rows and labels of the examples that can be learned from, and the values."""
    rows = item_ids.rows(list(examples))
    usable = (rows >= 0) & pictured[np.maximum(rows, 0)] if len(item_ids) else rows >= 0
    texts = [value for value, use in zip(examples.values(), usable.tolist(), strict=True) if use]
    counts = Counter(texts)
    if len(counts) < 2 or min(counts.values()) < 2:
        found = ", ".join(f"{value!r}: {n}" for value, n in counts.most_common()) or "none"
        refused = "; ".join(f"{n:,} x {reason}" for (_, reason), n in log.totals.items())
        raise InputError(
            f"Expected 2 values or more with 2 examples or more each for {attribute!r}, got {found}"
            f"{f' (not used: {refused})' if refused else ''}. Add examples. Nothing was changed."
        )
    values = tuple(sorted(counts))
    place = {value: place for place, value in enumerate(values)}
    return rows[usable], np.array([place[text] for text in texts], dtype=np.int64), values


def _classifier(labels: LabelSet) -> FewShotClassifier:
    from visrec.recognition.few_shot import FewShotClassifier

    return FewShotClassifier(labels.arrays["weight"], labels.arrays["bias"], float(labels.arrays["doubt"]))
