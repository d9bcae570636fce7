"""Routes that rank: for users, sessions, items, and by examples."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError

from visrec.catalogue.interactions import Interaction
from visrec.core.errors import InputError
from visrec.core.list_options import ListOptions
from visrec.core.ranking import Ranking
from visrec.server.access import READ
from visrec.server.encoded_paths import ItemId, UserId
from visrec.server.forms import Event, Example, Listed, ListForm, QueryForm, RecommendationForm
from visrec.server.paging import next_cursor, offset_of
from visrec.server.shown_lists import Told
from visrec.server.state import fetched, served_by, settings_of, shown_lists_of
from visrec.workspace import examples as ranked_by

__all__ = ["routes"]

_FARTHEST = 10_000

routes = APIRouter(tags=["recommend"], dependencies=[READ])

Cursor = Annotated[str | None, Query(description="`next_cursor` of the list before.", max_length=64)]
Model = Annotated[str | None, Query(description="A trained model; default: the one in use.", max_length=100)]


class ListQuery(ListForm):
    """As query parameters: candidates and max_per may be repeated, max_per as COLUMN=N."""

    candidates: list[str] | None = None
    max_per: list[str] = []  # type: ignore[assignment]
    cursor: str | None = None
    model: str | None = None

    def options(self) -> dict[str, Any]:
        """With max_per as a mapping."""
        caps = {}
        for text in self.max_per:
            column, _, limit = str(text).rpartition("=")
            if not column or not limit.isdecimal():
                raise InputError(f"Expected max_per as COLUMN=N, such as category=2, got {text!r}.")
            caps[column] = int(limit)
        return {**super().options(), "max_per": caps}


class RecommendQuery(ListQuery):
    """As `ListQuery`, with the reasons of each item where they are wanted."""

    reasons: bool = Field(False, description="Say why each item is in the list, in English and Chinese.")


@routes.get("/v1/users/{user_id}/recommendations", response_model=Listed)
def recommend(request: Request, user_id: UserId, asked: Annotated[RecommendQuery, Query()]) -> Response:
    """Rank items for one user from their history as it is now; an unknown user gets the popular items."""
    served, started = served_by(request), time.perf_counter()
    start, k = _window(request, asked)
    (told,) = _variants(request, [user_id], asked.model)
    model = asked.model if told is None else told.model
    options, explanations = asked.options(), served.shop.explanations
    if asked.reasons:
        ranking, answer = next(explanations.recommend([user_id], ListOptions(start + k, **options), model))
    else:
        ranking, answer = served.shop.recommend(user_id, start + k, model=model, **options), None
    body = _told(request, _body(ranking, start, k), told)
    if answer is not None:
        found = explanations.of(answer, [line["item_id"] for line in body["items"]], n_past=3)
        for line, why in zip(body["items"], found, strict=True):
            line["reasons"] = why.reasons_json()
    # The hot path: as `Listed` would write it, which is not gone through once more to check our own numbers.
    return JSONResponse({**body, "took_ms": _milliseconds(started)})


@routes.get("/v1/users/{user_id}/recommendations/{item_id}/explanation")
def explain(request: Request, user_id: UserId, item_id: ItemId, model: Model = None) -> dict[str, Any]:
    """Why an item has its score for a user: past items that add up to it, attributes, and a sentence."""
    return served_by(request).shop.explanations.explain(user_id, item_id, model).to_json()


@routes.post("/v1/recommendations")
def recommend_many(request: Request, asked: RecommendationForm) -> list[Listed]:
    """Rank items for many users, or for sessions whose events come with the request and are not stored."""
    served, started = served_by(request), time.perf_counter()
    limits = settings_of(request)
    served.check("k", asked.k, limits.max_k)
    served.check("the number of lists", len(asked.user_ids or asked.sessions or ()), limits.max_batch)
    if asked.user_ids is not None:
        return _recommend_users(request, asked, asked.user_ids, started)
    sessions = [_session(events) for events in asked.sessions or ()]
    lists = served.shop.recommend_sessions(sessions, asked.k, model=asked.model, **asked.options())
    return [_listed(ranking, started) for ranking in lists]


def _recommend_users(
    request: Request, asked: RecommendationForm, user_ids: Sequence[str], started: float
) -> list[Listed]:
    """A list for each user; those of one variant in one sweep."""
    shop = served_by(request).shop
    # As in the Python API, a user who is named twice gets one list.
    users = list(dict.fromkeys(user_ids))
    told = dict(zip(users, _variants(request, users, asked.model), strict=True))
    found: dict[str, Ranking] = {}
    for variant in dict.fromkeys(told.values()):
        theirs = [user for user in users if told[user] == variant]
        model = asked.model if variant is None else variant.model
        lists = shop.recommend_many(theirs, asked.k, model=model, **asked.options())
        found.update(zip(theirs, lists, strict=True))
    bodies = [_told(request, _body(found[user], 0, None), told[user]) for user in users]
    return [Listed(**body, took_ms=_milliseconds(started)) for body in bodies]


def _variants(request: Request, user_ids: Sequence[str], model: str | None) -> list[Told | None]:
    """What each user gets in the experiment that runs; None where none does, or a model was asked for."""
    return [None] * len(user_ids) if model is not None else shown_lists_of(request).variants_of(user_ids)


def _told(request: Request, body: dict[str, Any], told: Told | None) -> dict[str, Any]:
    """The list of one user, written down where it is part of an experiment."""
    if told is None:
        return body
    shown_lists_of(request).add(told, body["user_id"], [line["item_id"] for line in body["items"]])
    return {**body, "experiment": asdict(told)}


@routes.get("/v1/items/{item_id}/similar")
def similar(request: Request, item_id: ItemId, asked: Annotated[ListQuery, Query()]) -> Listed:
    """Items that look like an item; or, for one without a picture, that read alike."""
    served, started = served_by(request), time.perf_counter()
    start, k = _window(request, asked)
    return _listed(served.shop.similar(item_id, start + k, **asked.options()), started, start, k)


@routes.post("/v1/query")
def query(request: Request, asked: QueryForm) -> Listed:
    """Rank items by liked and disliked examples: items and embeddings, each with a weight."""
    started = time.perf_counter()
    return _listed(_rank(request, [asked], [])[0], started)


@routes.post("/v1/query/pictures")
def query_with_pictures(
    request: Request,
    pictures: Annotated[list[UploadFile], File(description="Image files.")],
    query: Annotated[
        str, Form(description="A query as JSON; without examples in it, every picture is liked.", max_length=1_000_000)
    ] = "{}",
) -> Listed:
    """As /v1/query, with pictures among the examples: `{"like": [{"file": 0}], "dislike": [{"file": 1}]}`."""
    started = time.perf_counter()
    asked = _parsed(query)
    served_by(request).check("the number of pictures", len(pictures), 20)
    if not asked.like and not asked.dislike:
        asked = asked.model_copy(update={"like": [Example(file=number) for number in range(len(pictures))]})
    files = [picture.file.read() for picture in pictures]
    return _listed(_rank(request, [asked], files)[0], started)


@routes.post("/v1/query/batch")
def query_many(request: Request, asked: list[QueryForm]) -> list[Listed]:
    """Many queries in one sweep; they must agree in everything but their examples."""
    started = time.perf_counter()
    served_by(request).check("the number of queries", len(asked), settings_of(request).max_batch)
    if len({json.dumps({"k": one.k, **one.options()}, sort_keys=True) for one in asked}) > 1:
        raise InputError(
            "Expected queries that differ in their examples only. Send the others in a batch of their own."
        )
    return [_listed(ranking, started) for ranking in _rank(request, asked, [])]


def _rank(request: Request, asked: Sequence[QueryForm], files: Sequence[bytes]) -> list[Ranking]:
    served = served_by(request)
    served.check("k", asked[0].k, settings_of(request).max_k)
    examples = partial(_examples, request, files)
    queries = [ranked_by.Query(examples(one.like), examples(one.dislike)) for one in asked]
    return list(served.shop.query_many(queries, asked[0].k, **asked[0].options()))


def _examples(request: Request, files: Sequence[bytes], given: Sequence[Example | str]) -> list[ranked_by.Example]:
    found = []
    for one in given:
        example = Example(item_id=one) if isinstance(one, str) else one
        found.append(ranked_by.Example(_source(request, files, example), example.weight))
    return found


def _source(request: Request, files: Sequence[bytes], example: Example) -> ranked_by.ExampleSource:
    if example.url is not None:
        return fetched(request, example.url)
    if example.file is not None:
        if example.file >= len(files):
            raise InputError(f"Expected pictures numbered below {len(files)}, got {example.file}.")
        return files[example.file]
    return example.item_id if example.item_id is not None else example.vector or []


def _parsed(query: str) -> QueryForm:
    try:
        return QueryForm.model_validate_json(query)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise InputError(f"Expected `query` as the JSON of /v1/query: {at or 'it'}: {first['msg']}.") from error


def _session(events: Sequence[Event]) -> list[Interaction]:
    return [Interaction("", event.item_id, event.kind, event.value, event.timestamp) for event in events]


def _window(request: Request, asked: ListQuery) -> tuple[int, int]:
    start = offset_of(asked.cursor)
    served_by(request).check("k", asked.k, settings_of(request).max_k)
    if start + asked.k > _FARTHEST:
        raise InputError(f"Expected a list of at most {_FARTHEST:,} items. Narrow it with a filter.")
    return start, asked.k


def _listed(ranking: Ranking, started: float, start: int = 0, k: int | None = None) -> Listed:
    return Listed(**_body(ranking, start, k), took_ms=_milliseconds(started))


def _body(ranking: Ranking, start: int, k: int | None) -> dict[str, Any]:
    """What `Listed` holds of a ranking from `start` on, but the time that it took."""
    body = replace(ranking, items=ranking.items[start:]).to_json()
    more = k is not None and len(body["items"]) == k
    items = [{"title": None, "reasons": None, **line} for line in body["items"]]
    cursor = next_cursor(start + len(items)) if more else None
    return {"user_id": None, "note": None, "experiment": None, **body, "items": items, "next_cursor": cursor}


def _milliseconds(started: float) -> float:
    return round(1e3 * (time.perf_counter() - started), 1)
