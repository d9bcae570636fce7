"""Routes of users: their events, their taste profile, what is kept of them, and its removal."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, JsonValue

from visrec.core.errors import NotFoundError
from visrec.server.access import ADMIN, READ, WRITE
from visrec.server.encoded_paths import UserId
from visrec.server.paging import next_cursor, offset_of
from visrec.server.state import served_by, settings_of

__all__ = ["routes"]

routes = APIRouter(tags=["users"])

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=64)]
PageLength = Annotated[int, Query(ge=1, description="Length of the page.")]
_PROFILE = "/v1/users/{user_id}/profile"


class UserPage(BaseModel):
    """Users in order of first sight."""

    user_ids: list[str]
    total: int
    next_cursor: str | None = None


class StoredEvent(BaseModel):
    """One thing that the user did."""

    item_id: str
    kind: str
    value: float | None
    timestamp: int | None
    title: str | None = None


class EventPage(BaseModel):
    """What a user did, latest first."""

    user_id: str
    events: list[StoredEvent]
    total: int
    next_cursor: str | None = None


class UserRemoved(BaseModel):
    """How many interactions were taken out."""

    interactions: int


class Imported(BaseModel):
    """What an import did; `unknown` items are not in the catalogue."""

    user_id: str
    events: int
    new: int
    unknown: list[str]


@routes.get("/v1/users", dependencies=[READ])
def list_users(request: Request, k: PageLength = 50, cursor: Cursor = None) -> UserPage:
    """A page of the users that the ingested log knows."""
    served, start = served_by(request), offset_of(cursor)
    served.check("k", k, settings_of(request).max_k)
    users = served.users()
    page = users[start : start + k]
    more = start + len(page) < len(users)
    return UserPage(user_ids=page, total=len(users), next_cursor=next_cursor(start + len(page)) if more else None)


@routes.get("/v1/users/{user_id}/events", dependencies=[READ])
def list_events(request: Request, user_id: UserId, k: PageLength = 50, cursor: Cursor = None) -> EventPage:
    """What a user did, live events included, latest first."""
    served, start = served_by(request), offset_of(cursor)
    served.check("k", k, settings_of(request).max_k)
    log = served.shop.catalogue.interactions_of([user_id])
    if not len(log):
        raise NotFoundError(f"Nothing is known of user {user_id!r}.")
    latest = np.argsort(log.column("timestamp").fill_null(0).to_numpy(), kind="stable")[::-1]
    page = log.take(pa.array(latest[start : start + k])).to_pylist()
    titles, ids = served.shop.titles(), served.item_ids()
    events = [
        StoredEvent(
            item_id=row["item_id"],
            kind=row["kind"],
            value=row["value"],
            timestamp=row["timestamp"],
            title=titles.get(ids.index(row["item_id"])) if row["item_id"] in ids else None,
        )
        for row in page
    ]
    more = start + len(page) < len(log)
    cursor = next_cursor(start + len(page)) if more else None
    return EventPage(user_id=user_id, events=events, total=len(log), next_cursor=cursor)


@routes.get(_PROFILE, dependencies=[READ])
def read_profile(request: Request, user_id: UserId) -> dict[str, Any]:
    """What the user likes to look at: interests, words, what is avoided."""
    return served_by(request).shop.profile(user_id).to_json()


@routes.delete(_PROFILE + "/interests/{number}", dependencies=[WRITE])
def remove_interest(request: Request, user_id: UserId, number: int) -> dict[str, Any]:
    """Take an interest out: what its items were liked for until now counts no longer. Returns the profile then."""
    return served_by(request).shop.tastes.remove_interest(user_id, number).to_json()


@routes.delete(_PROFILE, dependencies=[WRITE])
def reset_profile(request: Request, user_id: UserId) -> dict[str, Any]:
    """Begin the profile anew: nothing liked or disliked until now counts. Returns the profile then."""
    return served_by(request).shop.tastes.reset(user_id).to_json()


@routes.post(_PROFILE + "/undo", dependencies=[WRITE])
def undo_profile(request: Request, user_id: UserId) -> dict[str, Any]:
    """Take back every removal and reset. Returns the profile then."""
    return served_by(request).shop.tastes.undo(user_id).to_json()


@routes.get("/v1/users/{user_id}/export", dependencies=[READ])
def export(request: Request, user_id: UserId) -> dict[str, Any]:
    """All that is kept of a user: the profile, the events and changes that it is made of, and what was shown."""
    shop = served_by(request).shop
    return {**shop.tastes.export(user_id), "impressions": shop.experiments.impressions.shown_to(user_id)}


@routes.put("/v1/users/{user_id}/import", dependencies=[WRITE])
def load(request: Request, user_id: UserId, document: dict[str, JsonValue]) -> Imported:
    """Make an exported taste this user's; again: no effect."""
    done = served_by(request).shop.tastes.load(document, user_id)
    return Imported(user_id=done.user_id, events=done.n_events, new=done.n_new, unknown=list(done.unknown))


@routes.delete("/v1/users/{user_id}", dependencies=[ADMIN])
def remove_user(request: Request, user_id: UserId) -> UserRemoved:
    """Take out all that a user did."""
    return UserRemoved(interactions=served_by(request).shop.remove_user(user_id).interactions)


@routes.get("/v1/quiz", dependencies=[READ], tags=["users"])
def quiz(
    request: Request,
    like: Annotated[list[str] | None, Query()] = None,
    dislike: Annotated[list[str] | None, Query()] = None,
    skip: Annotated[list[str] | None, Query()] = None,
    k: PageLength = 6,
) -> dict[str, Any]:
    """The pictures that tell most about a new user's taste, given their answers so far."""
    served = served_by(request)
    served.check("k", k, settings_of(request).max_k)
    return served.shop.quiz(like or (), dislike or (), skip or (), k).to_json()
