"""Why a workspace recommends what it recommends: past items, attributes and a sentence for a user's items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import NotFittedError, NotFoundError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.list_options import ListOptions
from visrec.core.protocols import ImageEncoder, Recommender
from visrec.core.ranking import Ranking
from visrec.core.settings import ImageLimits
from visrec.explanation.explanation import Explanation
from visrec.workspace.answers import Answers, Heard
from visrec.workspace.assemble import current_histories
from visrec.workspace.attributes import ItemAttributes
from visrec.workspace.checks import check_user_ids
from visrec.workspace.explain_regions import SeenPicture, Stage, check_method, region_map, require_pictures, see
from visrec.workspace.models import ModelStore
from visrec.workspace.pictures import PictureReader
from visrec.workspace.query import NeighbourModels
from visrec.workspace.reasons import Asked, Reasons
from visrec.workspace.settings import SettingsFile
from visrec.workspace.taste import Tastes

if TYPE_CHECKING:
    from visrec.explanation.attributes import AttributeSurrogate
    from visrec.explanation.regions import RegionMap

__all__ = ["Explanations", "Regions"]

#: Attributes that no reason is told by: nobody likes things for their height by width, and `colours`, by their shares,
#: say what `colour` says and more.
_NOT_TOLD_BY = ("aspect", "symmetry", "parts", "colour")


@dataclass(frozen=True)
class Regions:
    """The regions of one item's picture, and what each is worth.

    Attributes:
        item_id: the item.
        picture: its picture as the encoder sees it.
        map: what each region adds.
    """

    item_id: str
    picture: SeenPicture
    map: RegionMap

    def to_json(self) -> dict[str, Any]:
        """{"item_id", "method", "score", "hidden", "regions": [{"weight", "area", "box"}], "fit"}."""
        return {"item_id": self.item_id, **self.map.to_json()}


class Explanations:
    """Reasons for recommendations, from the histories and models as they are now.

    Args:
        root: the workspace's folder, for messages.
        catalogue: its items and interactions.
        settings: how interactions count, and the model in use.
        models: the trained models.
        features: gives the items' features by the names of feature sets.
        tastes: what users took out of their profiles does not count.
        attributes: what was recognised in the pictures.
        titles: gives row -> title.
        pictures: knows the encoder in use.
        limits: what a picture may cost.
        answers: makes the lists.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        settings: SettingsFile,
        models: ModelStore,
        features: Callable[[str, str], ItemFeatures],
        tastes: Tastes,
        attributes: ItemAttributes,
        titles: Callable[[], Mapping[int, str]],
        pictures: PictureReader,
        limits: ImageLimits,
        answers: Answers,
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._settings = settings
        self._models = models
        self._features = features
        self._tastes = tastes
        self._attributes = attributes
        self._titles = titles
        self._pictures = pictures
        self._limits = limits
        self._answers = answers
        self._surrogate: tuple[object, AttributeSurrogate] | None = None

    def explain(self, user_id: str, item_id: str, model: str | None = None) -> Explanation:
        """Why an item has its score for a user; see `reasons`."""
        return self.reasons(user_id, [item_id], model)[0]

    def reasons(
        self, user_id: str, item_ids: Sequence[str], model: str | None = None, n_past: int | None = None
    ) -> list[Explanation]:
        """Why each item of a list has its score for a user.

        Of a user of whom nothing liked is known the fallback's list is explained, as `recommend` gives it.

        Args:
            user_id: whom for; may be unknown.
            item_ids: the list, in any order.
            model: a trained model; None: the one in use.
            n_past: so many past items with the largest contributions, or a few more, are told of each; None: all.

        Raises:
            InputError: when the user's id can be nobody's.
            NotFoundError: for an unknown item.
            NotFittedError: before `train`.
        """
        return self.of(self.asked(user_id, model), item_ids, n_past)

    def recommend(
        self, user_ids: Sequence[str] | None, options: ListOptions, model: str | None = None
    ) -> Iterator[tuple[Ranking, Asked]]:
        """As `Workspace.recommend_many`, with each list what `of` explains it from: nothing is scored again."""
        heard = Heard()
        for ranking in self._answers.recommend(user_ids, options, model, heard):
            yield ranking, Asked(*heard.last)

    def of(self, asked: Asked, item_ids: Sequence[str], n_past: int | None = None) -> list[Explanation]:
        """Why each of some items has the score that it has in an answer; see `reasons`."""
        from visrec.recommenders.decompose import decompose

        rows = self.rows(asked.items.item_ids, item_ids)
        if not rows.size:
            return []
        found = decompose(asked.model, asked.history, asked.items, rows)
        return Reasons(asked, rows, found, self._titles(), self._of_attributes()).all(n_past)

    def regions(
        self, user_id: str, item_id: str, method: str = "shap", model: str | None = None, n_samples: int = 500
    ) -> Regions:
        """Which regions of an item's picture move its score for a user.

        Regions are hidden in turn, `n_samples` times; each picture that comes of it is encoded, and the item scored
        with it, as an item that nobody knows yet: what is told is what its look does. Text and category stay.

        Args:
            user_id: whom for.
            item_id: the item; of several pictures the first.
            method: "lime", "shap" or "occlusion".
            model: a trained model; None: the one in use.
            n_samples: of "lime" and "shap".

        Raises:
            InputError: for an unknown method, or a picture that cannot be read.
            UnsupportedError: when the item has no embedded picture, or the model reads none.
            NotFittedError: when the model learned from another encoder than that in use; and as `reasons`.
            NotFoundError: as `reasons`.
        """
        check_method(method, n_samples)
        asked = self.asked(user_id, model)
        row = int(self.rows(asked.items.item_ids, [item_id])[0])
        return self._map(asked.history, asked.items, row, asked.model, method, n_samples)

    def matching_regions(
        self, item_id: str, similar_to: str, method: str = "shap", n_samples: int = 500
    ) -> tuple[Regions, Regions]:
        """Which regions make two items look alike, in the picture of each, as `similar` compares them.

        Raises:
            UnsupportedError: when one of them has no embedded picture; and as `regions`.
        """
        check_method(method, n_samples)
        current = self._settings.current
        items = self._features(current.image_features, current.text_features)
        rows = self.rows(items.item_ids, [item_id, similar_to])
        if "image" not in items.blocks or not items.blocks["image"].present[rows].all():
            raise UnsupportedError(
                f"Expected two items with embedded pictures, {item_id!r} and {similar_to!r} are not both. "
                f"Run: visrec encode {self._root}"
            )
        model = NeighbourModels(items).of("image")
        found = []
        for row, other in (rows.tolist(), rows.tolist()[::-1]):
            history = _one_like(other, len(items))
            found.append(self._map(history, items, row, model, method, n_samples))
        return found[0], found[1]

    def _map(
        self, history: Histories, items: ItemFeatures, row: int, model: Recommender, method: str, n_samples: int
    ) -> Regions:
        require_pictures(model, items, row)
        item_id, encoder = items.item_ids[row], self._encoder(items)
        picture = see(encoder, self._file(item_id), self._limits)
        stage = Stage.of(history, items, row, model)
        return Regions(item_id, picture, region_map(picture, encoder, stage.score, method, n_samples))

    def _encoder(self, items: ItemFeatures) -> ImageEncoder:
        encoder = self._pictures.encoder(self._settings.current)
        if items.blocks["image"].origin != encoder.info.feature_set:
            raise NotFittedError(
                f"The model learned from {items.blocks['image'].origin}, and the encoder in use is "
                f"{encoder.info.feature_set}. Train it again, or encode {self._root} with the model's encoder."
            )
        return encoder

    def _file(self, item_id: str) -> Path:
        images = self._catalogue.images()
        paths = images.filter(pc.equal(images.column("item_id"), item_id)).column("path").to_pylist()
        return Path(paths[0])

    def asked(self, user_id: str, model: str | None = None) -> Asked:
        """The history of a user and the model that answers for it; raises as `reasons`."""
        check_user_ids([user_id])
        trained = self._models.load(model or self._settings.current.model)
        items = self._features(trained.image_features, trained.text_features)
        users, rules = IdMap([user_id]), self._settings.current.rules
        history = current_histories(self._catalogue, items.item_ids, rules, users)
        history = self._tastes.edited(history, items.item_ids)
        answering = trained.recommender if history.liked().nnz else self._models.load("popular").recommender
        return Asked(answering, history, items, answering.score(history, items))

    def rows(self, known: IdMap, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Rows of items; int64.

        Raises:
            NotFoundError: for an unknown one.
        """
        rows = known.rows(list(item_ids))
        if rows.size and rows.min() < 0:
            raise NotFoundError(f"There is no item {item_ids[int(rows.argmin())]!r} in {self._root}.")
        return rows

    def _of_attributes(self) -> AttributeSurrogate | None:
        """What is shared by all users of the regression on attributes, made anew when they change."""
        from visrec.explanation.attributes import AttributeSurrogate

        seen = self._attributes.columns()
        if not seen:
            return None
        # Read once: another thread may replace it meanwhile.
        last = self._surrogate
        if last is None or last[0] is not seen:
            told = [name for name in self._attributes.names() if name not in _NOT_TOLD_BY]
            last = self._surrogate = (seen, AttributeSurrogate(self._attributes.block(told)))
        return last[1]


def _one_like(row: int, n_items: int) -> Histories:
    """The history of a nameless user who likes one item."""
    one = np.zeros(1, dtype=np.int64)
    return Histories.from_events(
        IdMap([""]), n_items, one, np.array([row], dtype=np.int32), np.ones(1, dtype=np.float32), one
    )
