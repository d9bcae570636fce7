"""What a workspace is asked: lists for users, and by examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.interactions import EMPTY_INTERACTIONS, Interaction
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.list_options import ListOptions
from visrec.core.protocols import Recommender, Scores
from visrec.core.ranking import Ranking
from visrec.workspace.assemble import current_histories, make_histories
from visrec.workspace.checks import check_user_ids
from visrec.workspace.examples import Query
from visrec.workspace.list_plans import ListPlans
from visrec.workspace.models import ModelStore
from visrec.workspace.query import ExampleQueries
from visrec.workspace.sessions import session_log
from visrec.workspace.settings import SettingsFile
from visrec.workspace.taste import Tastes

if TYPE_CHECKING:
    from visrec.retrieval.ranker import Scorer

__all__ = ["Answers", "Heard"]


class Heard:
    """What models said last, kept so that it can be explained without asking again.

    Attributes:
        last: model, history, items and scores.
    """

    last: tuple[Recommender, Histories, ItemFeatures, Scores]

    def of(self, model: Recommender) -> Scorer:
        """The model, listened to."""
        return _Listened(model, self)


class _Listened:
    def __init__(self, model: Recommender, heard: Heard) -> None:
        self.id = model.id
        self._model = model
        self._heard = heard

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        scores = self._model.score(histories, items)
        self._heard.last = (self._model, histories, items, scores)
        return scores


class Answers:
    """Ranks items with the trained models, and by examples; `Workspace.recommend` and `query` are its public side.

    Args:
        root: the workspace's folder, for messages.
        catalogue: its items and interactions.
        settings: which models and features are in use.
        models: the trained ones.
        features: gives the items' features in some feature sets; the same object while nothing has changed.
        plans: turns what is asked of a list into rows.
        queries: ranks by examples.
        tastes: knows what users took out of their profiles.
        in_use: gives the encoder of pictures and the feature set that are in use.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        settings: SettingsFile,
        models: ModelStore,
        features: Callable[[str | None, str | None], ItemFeatures],
        plans: ListPlans,
        queries: ExampleQueries,
        tastes: Tastes,
        in_use: Callable[[], tuple[str, str]],
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._settings = settings
        self._models = models
        self._features = features
        self._plans = plans
        self._queries = queries
        self._tastes = tastes
        self._in_use = in_use

    def recommend(
        self, user_ids: Sequence[str] | None, options: ListOptions, model: str | None, heard: Heard | None = None
    ) -> Iterator[Ranking]:
        """See `Workspace.recommend_many`. With `heard`, users are scored one at a time: it has each one's scores."""
        from visrec.retrieval.ranker import Ranker

        check_user_ids(user_ids or ())
        self.require_items()
        trained, fallback, items = self._model(model)
        plan = self._plans.plan(options, items)
        users = None if user_ids is None else IdMap(dict.fromkeys(user_ids))
        histories = current_histories(self._catalogue, items.item_ids, self._settings.current.rules, users)
        edited = self._tastes.edited(histories, items.item_ids)
        if heard is None:
            return Ranker(trained, fallback).rank(edited, items, plan)
        return Ranker(heard.of(trained), heard.of(fallback)).rank(edited, items, plan, block=1)

    def recommend_sessions(
        self, sessions: Sequence[Sequence[Interaction]], options: ListOptions, model: str | None
    ) -> Iterator[Ranking]:
        """See `Workspace.recommend_sessions`."""
        from visrec.retrieval.ranker import Ranker

        self.require_items()
        trained, fallback, items = self._model(model)
        rules, rating_range = self._settings.current.rules, self._catalogue.rating_range()
        log = session_log(sessions, items.item_ids, self._root)
        numbers = IdMap(str(number) for number in range(len(sessions)))
        histories = make_histories(log, items.item_ids, rules, numbers, rating_range)
        plan = self._plans.plan(options, items)
        return (replace(found, user_id=None) for found in Ranker(trained, fallback).rank(histories, items, plan))

    def query(self, queries: Sequence[Query], options: ListOptions) -> Iterator[Ranking]:
        """See `Workspace.query_many`."""
        self.require_items()
        items = self._features(None, None)
        plan = partial(self._plans.plan, options, items)
        return iter(self._queries.rank(items, self._settings.current, queries, plan))

    def by_text(self, text: str, options: ListOptions) -> Ranking:
        """See `Workspace.query`."""
        from visrec.retrieval.ranker import Ranker
        from visrec.workspace.text_towers import TextScores, embed_texts

        if not text.strip():
            raise InputError("Expected a text that says what the pictures should show, got an empty one.")
        self.require_items()
        items = self._features(None, None)
        plan = self._plans.plan(options, items)
        (vector,) = embed_texts([text], *self._in_use(), self._root)
        nobody = make_histories(EMPTY_INTERACTIONS, items.item_ids, self._settings.current.rules, IdMap([""]))
        return replace(next(Ranker(TextScores(vector)).rank(nobody, items, plan)), user_id=None)

    def _model(self, name: str | None) -> tuple[Recommender, Recommender, ItemFeatures]:
        """A trained model, its fallback, and the features that it ranks by."""
        trained = self._models.load(name or self._settings.current.model)
        fallback = self._models.load("popular").recommender
        # The features that the model learned from, even when another encoder has been switched in since.
        return trained.recommender, fallback, self._features(trained.image_features, trained.text_features)

    def require_items(self) -> None:
        """Raise `InputError` where the catalogue is empty."""
        if not len(self._catalogue.items()):
            raise InputError(f"{self._root} holds no items. Run: visrec ingest {self._root} --items FILE")
