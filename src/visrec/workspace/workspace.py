"""A workspace: one catalogue with its features, its models and its settings. The package's front door."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureSet
from visrec.catalogue.interactions import Interaction
from visrec.catalogue.report import EventsRemoved, IngestReport, Removed
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, WorkspaceError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.list_options import ListArguments, ListOptions
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Recommender
from visrec.core.ranking import Ranking
from visrec.core.settings import FeedbackRules, ImageLimits
from visrec.encoders.weights import Say, quiet
from visrec.recommenders.registry import make_recommender
from visrec.workspace.answers import Answers
from visrec.workspace.assemble import current_histories
from visrec.workspace.attributes import ItemAttributes
from visrec.workspace.checks import check_k, check_user_ids
from visrec.workspace.examples import Example, ExampleSource, Query
from visrec.workspace.experiments import Experiments
from visrec.workspace.explain import Explanations
from visrec.workspace.feature_cache import FeatureCache
from visrec.workspace.feature_sets import FeatureSets
from visrec.workspace.item_map import ItemMap, ItemMaps
from visrec.workspace.label_store import LabelStore
from visrec.workspace.labels import Labels
from visrec.workspace.list_plans import ListPlans
from visrec.workspace.models import ModelStore
from visrec.workspace.pictures import PictureReader
from visrec.workspace.query import ExampleQueries
from visrec.workspace.settings import SettingsFile, WorkspaceSettings
from visrec.workspace.split_plan import SplitPlan
from visrec.workspace.taste import Tastes
from visrec.workspace.tune import Tuned, settings_for, tune
from visrec.workspace.versions import Versions

if TYPE_CHECKING:
    from visrec.evaluation.ratings import RatingEvaluation
    from visrec.evaluation.result import Evaluation
    from visrec.taste.profile import TasteProfile
    from visrec.workspace.encode import EncodeReport
    from visrec.workspace.predict import PredictedRating
    from visrec.workspace.put_items import PutReport

__all__ = ["Workspace"]


class Workspace:
    """A directory that holds one catalogue and everything learned from it.

    Example:
        >>> import visrec
        >>> shop = visrec.Workspace.create("shop")                                 # doctest: +SKIP
        >>> shop.ingest(items="items.csv", images="images", interactions="log.csv")  # doctest: +SKIP
        >>> shop.encode()                                                          # doctest: +SKIP
        >>> shop.train()                                                           # doctest: +SKIP
        >>> shop.recommend("customer 42", k=10)                                    # doctest: +SKIP
    """

    def __init__(
        self, root: Path, catalogue: Catalogue, settings: WorkspaceSettings, limits: ImageLimits | None = None
    ) -> None:
        self.root = root
        self.catalogue = catalogue
        self.limits = limits or ImageLimits()
        self._settings = SettingsFile(root, settings)
        self._cache = FeatureCache(catalogue, self.limits)
        self._models = ModelStore(root)
        stored = LabelStore(root)
        self.feature_sets = FeatureSets(root, catalogue, self._settings, self._models, stored, self.limits)
        self.labels = Labels(root, catalogue, self.feature_sets, stored)
        self.versions = Versions(self._settings, self._models, self.feature_sets)
        self.attributes = ItemAttributes(root, catalogue, self.limits, self.labels)
        reader = PictureReader(root, self.limits)
        self.tastes = Tastes(root, catalogue, self._settings, self.item_features, self.attributes)
        plans = ListPlans(root, catalogue, self.attributes, self.item_features, self.titles)
        self.rules = plans.rules
        self.maps = ItemMaps(root, self.item_features)
        self.experiments = Experiments(root, catalogue, self._settings, self._models)
        self.answers = Answers(
            root,
            catalogue,
            self._settings,
            self._models,
            self.item_features,
            plans,
            ExampleQueries(root, reader),
            self.tastes,
            self.feature_sets.pictures_in_use,
        )
        self.explanations = Explanations(
            *(root, catalogue, self._settings, self._models, self.item_features, self.tastes, self.attributes),
            *(self.titles, reader, self.limits, self.answers),
        )

    @property
    def settings(self) -> WorkspaceSettings:
        """Which feature sets and models are in use."""
        return self._settings.current

    # ------------------------------------------------------------------ life

    @classmethod
    def create(cls, root: str | Path, *, positive_threshold: float | None = None) -> Workspace:
        """Make an empty workspace.

        Args:
            root: folder; made when absent.
            positive_threshold: interactions with a value below it are seen, not liked; None: values are not looked at.

        Raises:
            InputError: when the threshold is no number.
            WorkspaceError: when the folder already is a workspace, or cannot be written.
        """
        root = Path(root)
        settings = WorkspaceSettings(positive_threshold=positive_threshold)
        if root.exists() and not root.is_dir():
            raise WorkspaceError(f"Expected a folder for the workspace, got the file {root}.")
        catalogue = Catalogue.create(root)
        settings.write(root)
        return cls(root, catalogue, settings)

    @classmethod
    def open(cls, root: str | Path) -> Workspace:
        """Open an existing workspace.

        Raises:
            WorkspaceError: when there is none, or it is damaged.
        """
        root = Path(root)
        if not Catalogue.exists(root):
            raise WorkspaceError(
                f"{root} is not a visrec workspace. Make one with: "
                f"visrec ingest {root} --items FILE --images DIR --interactions FILE"
            )
        return cls(root, Catalogue.open(root), WorkspaceSettings.read(root))

    def set_positive_threshold(self, threshold: float | None) -> None:
        """From now on interactions with a value below it are seen, not liked; None: values are not looked at."""
        if threshold != self.settings.positive_threshold:
            self._settings.change(positive_threshold=threshold)

    # ------------------------------------------------------------- catalogue

    def ingest(
        self,
        *,
        items: str | Path | None = None,
        images: str | Path | None = None,
        interactions: str | Path | None = None,
        progress: ProgressFactory = silent,
    ) -> IngestReport:
        """Read files into the catalogue: see `Catalogue.ingest`. Doing it again changes nothing."""
        from visrec.images.decode import inspect

        return self.catalogue.ingest(
            items=None if items is None else Path(items),
            images=None if images is None else Path(images),
            interactions=None if interactions is None else Path(interactions),
            inspect=partial(inspect, limits=self.limits),
            progress=progress,
            limits=self.limits,
        )

    def add_feedback(self, events: Sequence[Interaction], *, overwrite: bool = False) -> int:
        """Add live events, durable when this returns; they count in the very next recommendation.

        An event without a time gets the present one. One that is already there counts once; with `overwrite` it takes
        the new value. Returns how many were stored.
        """
        now = int(time.time())
        timed = [replace(e, timestamp=now) if e.timestamp is None else e for e in events]
        return self.catalogue.add_events(timed, overwrite=overwrite)

    def remove_feedback(self, user_id: str, item_id: str, kind: str | None = None) -> EventsRemoved:
        """Take back live events of a user with an item, of one kind or of all: see `Catalogue.remove_events`."""
        return self.catalogue.remove_events(user_id, item_id, kind)

    def put_items(self, rows: Sequence[Mapping[str, Any]], pictures: Mapping[str, bytes] | None = None) -> PutReport:
        """Add items or change them, with pictures as bytes; they can be recommended when this returns.

        See `visrec.workspace.put_items.put_items`.
        """
        from visrec.workspace.put_items import put_items

        return put_items(self, rows, pictures or {})

    def remove_item(self, item_id: str) -> Removed:
        """Take an item out, with its images and interactions."""
        return self.catalogue.remove_item(item_id)

    def remove_user(self, user_id: str) -> Removed:
        """Take out all that a user did."""
        self.tastes.forget(user_id)
        self.experiments.impressions.forget(user_id)
        return self.catalogue.remove_user(user_id)

    def require_items(self) -> None:
        """Raise `InputError` where the catalogue is empty."""
        self.answers.require_items()

    # -------------------------------------------------------------- features

    def encode(
        self,
        encoder: str | None = None,
        *,
        progress: ProgressFactory = silent,
        say: Say = quiet,
    ) -> EncodeReport:
        """Encode what has no embedding yet, and use this feature set from now on.

        Args:
            encoder: an id of `ENCODERS`, for pictures or for texts; None: the one in use, else the default.
            progress: shows progress.
            say: told what is fetched or converted.

        Returns:
            What was done. An interrupted encode goes on where it stopped when it is run again.

        Raises:
            InputError: for an unknown encoder.
            WeightsError: when its weights cannot be had.
        """
        return self.feature_sets.encode(encoder, progress=progress, say=say)

    def encode_new(self, *, progress: ProgressFactory = silent, say: Say = quiet) -> list[EncodeReport]:
        """Encode new pictures and texts with the encoders in use, and with those that trained models still use.

        Does nothing where none is in use yet.
        """
        return self.feature_sets.encode_new(progress=progress, say=say)

    def features(self) -> list[FeatureSet]:
        """The feature sets that there are; `feature_sets.users()` names those in use."""
        return self.feature_sets.all()

    # ---------------------------------------------------------------- models

    def dataset(self, *, positive_threshold: float | None = None, encoder: str | None = None) -> Dataset:
        """All histories and features as they are now.

        Args:
            positive_threshold: replaces the workspace's own.
            encoder: take the pictures as this encoder saw them; None: the encoder in use.
        """
        items = self.item_features(None if encoder is None else self.feature_sets.of_encoder(encoder))
        rules = self.settings.rules if positive_threshold is None else FeedbackRules(positive_threshold)
        return Dataset(current_histories(self.catalogue, items.item_ids, rules), items)

    def item_features(self, image_features: str | None = None, text_features: str | None = None) -> ItemFeatures:
        """Features of every item: pictures and texts as embedded in the named feature sets, and the categories.

        The same object comes back as long as nothing has changed.

        Args:
            image_features: name of a feature set; "" leaves pictures out; None: the set in use.
            text_features: likewise for texts.
        """
        return self._cache.features(
            self.settings.image_features if image_features is None else image_features,
            self.settings.text_features if text_features is None else text_features,
        )

    def unreadable_pictures(self) -> Mapping[str, str]:
        """Path -> reason, of the pictures that a model asked for and got black instead."""
        return self._cache.unreadable_pictures()

    def train(
        self,
        model: str = "blend",
        *,
        settings: Mapping[str, Any] | None = None,
        tuned: bool = False,
        progress: ProgressFactory = silent,
    ) -> Recommender:
        """Fit a recommender on everything known now, save it, and use it from now on.

        A recommender that predicts ratings is used by `predict` from now on, any other by `recommend`.

        Args:
            model: out of `RECOMMENDERS`.
            settings: what differs from the recommender's own settings.
            tuned: start from the settings that `tune` found.
            progress: shows long training.

        Raises:
            InputError: for an unknown model or setting, or where `tuned` settings are wanted and there are none.
            UnsupportedError: when the catalogue lacks what the model needs.
        """
        found = settings_for(self.root, model) if tuned else {}
        recommender = make_recommender(model, {**found, **(settings or {})})
        self.require_items()
        dataset = self.dataset()
        recommender.fit(dataset, progress)
        # The fallback goes first: a model is never in use without it, even when this is killed in between.
        if model != "popular":
            fallback = make_recommender("popular").fit(dataset)
            self._models.save(fallback, *self.feature_sets.read_by(fallback))
        self._models.save(recommender, *self.feature_sets.read_by(recommender))
        slot = "rating_model" if recommender.capabilities.ratings else "model"
        self._settings.change(**{slot: model})
        return recommender

    def tune(
        self,
        model: str,
        trials: int = 30,
        *,
        plan: SplitPlan | None = None,
        k: int = 10,
        progress: ProgressFactory = silent,
    ) -> Tuned:
        """Search a recommender's settings without looking at the test part; see `visrec.workspace.tune.tune`."""
        check_k(k)
        self.require_items()
        plan = replace(plan or SplitPlan(), ratings=make_recommender(model).capabilities.ratings)
        dataset = self.dataset(positive_threshold=plan.positive_threshold, encoder=plan.encoder)
        return tune(self.root, dataset, model, plan, trials, k=k, progress=progress)

    def model(self, name: str | None = None) -> Recommender:
        """A trained model; of the one in use when `name` is None.

        Raises:
            NotFittedError: when it was not trained yet.
        """
        return self._models.load(name or self.settings.model).recommender

    def trained_models(self) -> list[str]:
        """Names of the trained models."""
        return self._models.names()

    def info(self) -> dict[str, Any]:
        """What the workspace holds and what is in use, as JSON-able values."""
        from visrec.workspace.info import describe

        return describe(self)

    # ------------------------------------------------------------- answering

    def recommend(
        self, user_id: str, k: int = 10, *, model: str | None = None, **options: Unpack[ListArguments]
    ) -> Ranking:
        """Rank items for one user from their history as it is now; an unknown user gets the popular items.

        Args:
            user_id: whom for.
            k: length of the list.
            model: a trained model; None: the one in use.
            options: what else shapes the list: filters, diversity, caps, a trace, …; see `ListOptions`.

        Raises:
            InputError: when an option is wrong, or the user's id can be nobody's.
            NotFittedError: before `train`.
            FilterError: when `where` cannot be used.
            NotFoundError: when a candidate does not exist.
        """
        return next(self.recommend_many([user_id], k, model=model, **options))

    def recommend_many(
        self,
        user_ids: Sequence[str] | None,
        k: int = 10,
        *,
        model: str | None = None,
        **options: Unpack[ListArguments],
    ) -> Iterator[Ranking]:
        """As `recommend`, for many users in one sweep; None: every user with an interaction."""
        return self.answers.recommend(user_ids, ListOptions(k, **options), model)

    def recommend_session(
        self,
        events: Sequence[Interaction],
        k: int = 10,
        *,
        model: str | None = None,
        **options: Unpack[ListArguments],
    ) -> Ranking:
        """As `recommend`, for somebody of whom only these events are known; nothing is stored.

        Args:
            events: what they did, in order; the `user_id` of each is not looked at, and one without a time is of now.
            k: length of the list.
            model: a trained model; None: the one in use.
            options: what else shapes the list, as in `recommend`.

        Raises:
            NotFoundError: for an unknown item; and as `recommend`.
        """
        return next(self.recommend_sessions([events], k, model=model, **options))

    def recommend_sessions(
        self,
        sessions: Sequence[Sequence[Interaction]],
        k: int = 10,
        *,
        model: str | None = None,
        **options: Unpack[ListArguments],
    ) -> Iterator[Ranking]:
        """As `recommend_session`, for many in one sweep."""
        return self.answers.recommend_sessions(sessions, ListOptions(k, **options), model)

    def similar(
        self,
        item_id: str | None = None,
        k: int = 10,
        *,
        image: str | Path | None = None,
        **options: Unpack[ListArguments],
    ) -> Ranking:
        """Items that look like an item or a picture (or, for an item without one, that read alike).

        Raises:
            InputError: unless exactly one of item_id and image is given, or as in `query`.
            NotFoundError: as in `query`.
            UnsupportedError: as in `query`.
        """
        if (item_id is None) == (image is None):
            raise InputError("Expected an item id or an image to find similar items of, and not both.")
        return self.query([Path(image) if image is not None else str(item_id)], k=k, **options)

    def query(
        self,
        like: Sequence[ExampleSource | Example] = (),
        dislike: Sequence[ExampleSource | Example] = (),
        k: int = 10,
        *,
        text: str | None = None,
        **options: Unpack[ListArguments],
    ) -> Ranking:
        """Rank items by liked and disliked examples, which are left out themselves; or by a text.

        Args:
            like: item ids (str), pictures (Path, or bytes), or embeddings as the encoder in use gives them; one that
                weighs more or less than 1 as an `Example`.
            dislike: likewise; they push away.
            k: length of the list.
            text: what the pictures should show, in place of examples.
            options: what else shapes the list, as in `recommend`.

        Raises:
            InputError: without an example, with one that is liked and disliked, or with a file that is no picture.
            NotFittedError: for a picture or a text, before `encode`.
            NotFoundError: for an unknown item or a missing file.
            UnsupportedError: when an example has nothing to compare by, or the encoder in use embeds no texts.
        """
        if text is None:
            return next(self.query_many([Query(like, dislike)], k, **options))
        if like or dislike:
            raise InputError("Expected a text or examples, got both. Ask for one after the other.")
        return self.answers.by_text(text, ListOptions(k, **options))

    def query_many(self, queries: Sequence[Query], k: int = 10, **options: Unpack[ListArguments]) -> Iterator[Ranking]:
        """As `query`, for many queries in one sweep."""
        return self.answers.query(queries, ListOptions(k, **options))

    def evaluate(
        self,
        split: str = "random",
        models: Sequence[str] | None = None,
        *,
        k: int = 10,
        seed: int = 42,
        test_fraction: float | None = None,
        test_days: float | None = None,
        positive_threshold: float | None = None,
        encoder: str | None = None,
        folds: int = 5,
        tuned: bool = False,
        learning_curve: bool = False,
        progress: ProgressFactory = silent,
        keep_interrupted: bool = False,
    ) -> Evaluation:
        """Judge recommenders on a part of the log that they did not see, over the whole catalogue.

        `split` to `folds` are those of `SplitPlan`, the other arguments those of
        `visrec.workspace.evaluation.evaluate_shop`, where the errors are too.
        """
        from visrec.workspace.evaluation import evaluate_shop

        plan = SplitPlan(split, seed, test_fraction, test_days, positive_threshold, encoder, folds)
        return evaluate_shop(
            self,
            plan,
            models,
            k=k,
            tuned=tuned,
            learning_curve=learning_curve,
            progress=progress,
            keep_interrupted=keep_interrupted,
        )

    def evaluate_ratings(
        self,
        split: str = "kfold",
        models: Sequence[str] | None = None,
        *,
        folds: int = 5,
        seed: int = 42,
        encoder: str | None = None,
        tuned: bool = False,
        progress: ProgressFactory = silent,
    ) -> RatingEvaluation:
        """RMSE and MAE of the models that predict ratings, always beside "bias", on ratings that they did not see.

        Args are those of `evaluate`; the splits are those of `rating_folds`, "kfold" with `folds` folds.

        Raises:
            InputError: when an argument is wrong, or there are too few ratings.
        """
        from visrec.evaluation.ratings import evaluate_ratings
        from visrec.workspace.predict import rating_models

        plan = SplitPlan(split, seed, encoder=encoder, folds=folds, ratings=True)
        changes = {name: settings_for(self.root, name, plan) for name in rating_models(models)} if tuned else {}
        made, dataset = rating_models(models, changes), self.dataset(encoder=encoder)
        return evaluate_ratings(dataset, made, split=split, folds=folds, seed=seed, progress=progress)  # type: ignore[arg-type]

    def predict(self, pairs: Iterable[tuple[str, str]], model: str | None = None) -> Iterator[PredictedRating]:
        """The rating that a user would give an item, for pairs of ids, in their order; either id may be unknown.

        Raises:
            NotFittedError: before the model (None: the one in use for ratings) was trained.
            UnsupportedError: when it predicts no ratings.
        """
        from visrec.workspace.predict import predict_pairs, require_rating_predictor

        trained = self._models.load(model or self.settings.rating_model)
        predictor = require_rating_predictor(trained.recommender)
        items = self.item_features(trained.image_features, trained.text_features)
        return predict_pairs(predictor, items, self.catalogue.interactions(), self.settings.rules, list(pairs))

    def profile(self, user_id: str) -> TasteProfile:
        """What a user likes to look at; `tastes` compares, changes, exports and imports profiles.

        Raises:
            NotFoundError: when nothing is known of the user.
            UnsupportedError: before the pictures are encoded.
        """
        return self.tastes.profile(user_id)

    def item_map(self) -> ItemMap:
        """Where every item with a picture lies in the plane: what looks alike is side by side.

        Worked out once for a feature set, which takes about a minute for 10,000 items, and kept.

        Raises:
            UnsupportedError: before the pictures are encoded.
        """
        return self.maps.make()

    def quiz(
        self, like: Sequence[str] = (), dislike: Sequence[str] = (), skip: Sequence[str] = (), k: int = 6
    ) -> Ranking:
        """The pictures that tell most about a new user's taste, given their answers so far; see `Tastes.quiz`."""
        return self.tastes.quiz(like, dislike, skip, k, self.titles())

    def liked_items(self, user_id: str, limit: int = 12) -> list[str]:
        """The items that a user liked, latest first."""
        check_user_ids([user_id])
        items = self.item_features()
        history = current_histories(self.catalogue, items.item_ids, self.settings.rules, IdMap([user_id]))
        history = self.tastes.edited(history, items.item_ids)
        rows = history.item_index[history.weight > 0][::-1]
        return [items.item_ids[row] for row in dict.fromkeys(rows.tolist())][:limit]

    def titles(self) -> Mapping[int, str]:
        """Row of an item -> its title, of the items that have one."""
        return self._cache.titles()
