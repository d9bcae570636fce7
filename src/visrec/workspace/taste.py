"""The tastes of a workspace's users: shown, compared, changed, carried elsewhere; and the quiz that begins one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.interactions import Interaction
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFoundError, UnsupportedError, WorkspaceError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.ranking import RankedItem, Ranking
from visrec.taste.settings import TasteSettings
from visrec.workspace.assemble import current_histories
from visrec.workspace.attributes import ItemAttributes
from visrec.workspace.checks import check_k, check_user_ids
from visrec.workspace.settings import SettingsFile
from visrec.workspace.taste_edits import EVERYTHING, TasteEdits

if TYPE_CHECKING:
    from visrec.taste.builder import TasteBuilder
    from visrec.taste.compare import TasteComparison
    from visrec.taste.profile import TasteProfile

__all__ = ["Imported", "Tastes"]

#: Attributes that say what somebody likes; nobody likes things for being of even height and width.
_NOT_TOLD_BY = ("aspect", "symmetry", "parts")


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        user_id: whose taste was read.
        n_events: events of it, of items that the catalogue has.
        n_new: how many of them were not there yet.
        unknown: items that the catalogue does not have; their events were left out.
    """

    user_id: str
    n_events: int
    n_new: int
    unknown: tuple[str, ...]


class Tastes:
    """Taste profiles, made from the histories and pictures as they are now.

    Args:
        root: the workspace's folder.
        catalogue: its items and interactions.
        settings: how interactions count.
        features: gives the features of all items as they are now; the same object while nothing has changed.
        attributes: what was recognised in the pictures; words are made of it.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        settings: SettingsFile,
        features: Callable[[], ItemFeatures],
        attributes: ItemAttributes,
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._settings = settings
        self._features = features
        self._attributes = attributes
        self.edits = TasteEdits(catalogue.live)
        self._builder: tuple[tuple[object, ...], TasteBuilder] | None = None

    def profile(self, user_id: str, settings: TasteSettings | None = None) -> TasteProfile:
        """What a user likes to look at.

        Args:
            user_id: whose taste.
            settings: such as another half-life.

        Raises:
            InputError: when the id can be nobody's.
            NotFoundError: when nothing is known of the user.
            UnsupportedError: before the pictures are encoded.
        """
        check_user_ids([user_id])
        return next(self.profiles([user_id], settings))

    def profiles(
        self, user_ids: Sequence[str] | None = None, settings: TasteSettings | None = None
    ) -> Iterator[TasteProfile]:
        """As `profile`, for many users; None: every user with an interaction."""
        builder, items = self._ready(), self._features()
        users = None if user_ids is None else IdMap(dict.fromkeys(user_ids))
        histories = current_histories(self._catalogue, items.item_ids, self._settings.current.rules, users)
        unknown = np.flatnonzero(np.diff(histories.indptr) == 0)
        if unknown.size:
            raise NotFoundError(
                f"Nothing is known of user {histories.user_ids[int(unknown[0])]!r} in {self._root}. "
                f"A new user begins with: visrec quiz {self._root}"
            )
        edited = self.edits.apply(histories, items.item_ids)
        for row, profile in enumerate(builder.build(edited, settings)):
            left_out = _n_liked(histories, row) - profile.n_liked
            yield replace(profile, left_out=left_out) if left_out else profile

    def compare(self, first: str, second: str) -> TasteComparison:
        """How alike two users' tastes are; raises as `profile`."""
        from visrec.taste.compare import compare

        return compare(self.profile(first), self.profile(second), self._ready().space.alike)

    def quiz(
        self,
        like: Sequence[str] = (),
        dislike: Sequence[str] = (),
        skip: Sequence[str] = (),
        k: int = 6,
        titles: Mapping[int, str] | None = None,
    ) -> Ranking:
        """The pictures that tell most about a new user's taste, given their answers so far; see `next_questions`.

        Args:
            like: items that the user likes.
            dislike: items that the user dislikes.
            skip: items that were shown and are neither.
            k: how many to show next.
            titles: row of an item -> its title.

        Returns:
            Items with, as score, the share of what is still unknown of the taste that their answer tells.

        Raises:
            InputError: when k is below 1, an item is given twice, or has no embedded picture.
            NotFoundError: for an unknown item.
            UnsupportedError: before the pictures are encoded.
        """
        from visrec.taste.quiz import next_questions

        check_k(k)
        builder, items = self._ready(), self._features()
        answered = self._answered([*like, *dislike, *skip], items)
        answers = np.array([1.0] * len(like) + [-1.0] * len(dislike) + [0.0] * len(skip))
        log = current_histories(self._catalogue, items.item_ids, self._settings.current.rules)
        popularity = np.bincount(log.liked().indices, minlength=len(items)).astype(np.float64)
        found = next_questions(builder.vectors, popularity, answered, answers, k)
        names = titles or {}
        lines = tuple(
            RankedItem(rank, items.item_ids[one.row], one.gain, "visual", {"visual": one.gain}, names.get(one.row, ""))
            for rank, one in enumerate(found, start=1)
        )
        return Ranking(lines, note="" if lines else "every picture was answered")

    def _answered(self, item_ids: Sequence[str], items: ItemFeatures) -> npt.NDArray[np.int64]:
        for item_id in item_ids:
            if item_id not in items.item_ids:
                raise NotFoundError(f"There is no item {item_id!r} in {self._root}.")
            if item_ids.count(item_id) > 1:
                raise InputError(f"Expected one answer for each item, got several for {item_id!r}.")
            if not items.blocks["image"].present[items.item_ids.index(item_id)]:
                raise InputError(f"Item {item_id!r} has no embedded picture: an answer to it tells nothing.")
        return items.item_ids.rows(item_ids)

    # ---------------------------------------------------------------- changes

    def edited(self, histories: Histories, item_ids: IdMap) -> Histories:
        """Histories over these items, without what their users took out of their profiles: that is seen, no more."""
        return self.edits.apply(histories, item_ids)

    def remove_interest(self, user_id: str, number: int) -> TasteProfile:
        """Take an interest out of a profile: what its items were liked for until now counts no longer.

        The items still count as seen; liked again, they count again. The log stays as it is, and models that learn
        from it go on doing so. Returns the profile as it is then.

        Raises:
            NotFoundError: when there is no such interest; and as `profile`.
        """
        profile = self.profile(user_id)
        chosen = [interest for interest in profile.interests if interest.number == number]
        if not chosen:
            there = f"1 to {len(profile.interests)}" if profile.interests else "none"
            raise NotFoundError(f"There is no interest {number} in the taste profile of {user_id!r} ({there}).")
        until = self._now(user_id)
        self.edits.leave_out(user_id, dict.fromkeys(chosen[0].item_ids, until))
        return self.profile(user_id)

    def reset(self, user_id: str) -> TasteProfile:
        """Begin a profile anew: nothing that the user liked or disliked until now counts; see `remove_interest`."""
        self.profile(user_id)
        self.edits.leave_out(user_id, {EVERYTHING: self._now(user_id)})
        return self.profile(user_id)

    def undo(self, user_id: str) -> TasteProfile:
        """Take back every removal and reset."""
        self.edits.forget(user_id)
        return self.profile(user_id)

    def forget(self, user_id: str) -> None:
        """Drop what is kept of a user who is removed."""
        self.edits.forget(user_id)

    # --------------------------------------------------------------- exchange

    def export(self, user_id: str) -> dict[str, Any]:
        """The taste as a JSON-able document: the profile to read, and the events and changes that it is made of."""
        from visrec.taste.exchange import Event, write_document

        profile = self.profile(user_id)
        log = self._catalogue.interactions_of([user_id]).select(["item_id", "kind", "value", "timestamp"])
        events = [
            Event(row["item_id"], row["kind"], _number(row["value"]), row["timestamp"]) for row in log.to_pylist()
        ]
        return write_document(profile, events, self.edits.of(user_id))

    def load(self, document: Any, user_id: str | None = None) -> Imported:
        """Make an exported taste a user's: its events join theirs, durably, and so do its changes. Again: no effect.

        Args:
            document: of `export`, from this workspace or another.
            user_id: whose it becomes; None: the user named in the document.

        Raises:
            InputError: when the document is not of the expected form, or no item of it is in the catalogue.
        """
        from visrec.taste.exchange import read_document

        taste = read_document(document)
        user = taste.user_id if user_id is None else user_id
        check_user_ids([user])
        item_ids = self._features().item_ids
        unknown = tuple(dict.fromkeys(event.item_id for event in taste.events if event.item_id not in item_ids))
        kept = [event for event in taste.events if event.item_id in item_ids]
        if taste.events and not kept:
            raise InputError(f"None of the {len(unknown)} items of this taste profile is in {self._root}.")
        n_new = self._add([Interaction(user, e.item_id, e.kind, e.value, e.timestamp) for e in kept])
        self.edits.leave_out(user, {i: u for i, u in taste.left_out.items() if i == EVERYTHING or i in item_ids})
        return Imported(user, len(kept), n_new, unknown)

    def _add(self, events: list[Interaction]) -> int:
        """Add those events that the log, live or ingested, does not have yet."""
        if not events:
            return 0
        there = {
            (row["item_id"], row["kind"], row["timestamp"])
            for row in self._catalogue.interactions_of([events[0].user_id]).to_pylist()
        }
        new = [event for event in events if (event.item_id, event.kind, event.timestamp) not in there]
        self._catalogue.add_events(new)
        return len(new)

    # ---------------------------------------------------------------- private

    def _ready(self) -> TasteBuilder:
        items, training, seen = self._features(), self._training(), self._attributes.columns()
        # Read once: another thread may replace it meanwhile.
        last = self._builder
        if last is None or last[0][0] is not items or last[0][1] is not seen or last[0][2] != training:
            last = self._builder = ((items, seen, training), self._build(items, training))
        return last[1]

    def _training(self) -> list[str]:
        """What the space of tastes is learned anew with: the feature set of pictures, and the training in use."""
        current = self._settings.current
        trained = self._root / "models" / current.model / "current"
        return [current.image_features, current.model, trained.read_text().strip() if trained.exists() else ""]

    def _build(self, items: ItemFeatures, training: list[str]) -> TasteBuilder:
        """The builder in the space learned at the last training: events since then move nobody else's profile."""
        from visrec.core.artifacts import load_artifact, save_artifact
        from visrec.recommenders.content_knn import ContentKNN
        from visrec.taste.builder import TasteBuilder
        from visrec.taste.space import TasteSpace

        if "image" not in items.blocks or not items.blocks["image"].present.any():
            raise UnsupportedError(
                f"{self._root} has no embedded pictures, and tastes are told by them. Run: visrec encode {self._root}"
            )
        # What cannot be read is learned again: it is no more than that.
        with suppress(NotFoundError, WorkspaceError, KeyError, TypeError):
            body, arrays = load_artifact(self._root / "taste")
            if body["training"] == training:
                compared = ContentKNN().load_state(body["compared"], arrays)
                space = TasteSpace.load_state(body["space"], arrays)
                return TasteBuilder(items, compared.vectors(items), space, [self._words()])
        log = current_histories(self._catalogue, items.item_ids, self._settings.current.rules)
        compared = ContentKNN().fit(Dataset(log, items))
        vectors = compared.vectors(items)
        space = TasteSpace.fit(vectors, log.liked())
        if training[2]:
            (first, some), (second, others) = compared.state(), space.state()
            # A workspace that may only be read does without.
            with suppress(OSError, WorkspaceError):
                save_artifact(
                    self._root / "taste", {"training": training, "compared": first, "space": second}, {**some, **others}
                )
        return TasteBuilder(items, vectors, space, [self._words()])

    def _words(self) -> FeatureBlock:
        """What words are made of: recognised attributes but for the silhouette's, and the shop's own."""
        return self._attributes.block([name for name in self._attributes.names() if name not in _NOT_TOLD_BY])

    def _now(self, user_id: str) -> int:
        """The present, or the user's newest event where that is later: a log may run ahead of this clock."""
        newest = pc.max(self._catalogue.interactions_of([user_id]).column("timestamp")).as_py()
        return max(int(time.time()), newest or 0)


def _n_liked(histories: Histories, row: int) -> int:
    one = histories.take(np.array([row], dtype=np.int64))
    return int(one.liked().nnz)


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else value
