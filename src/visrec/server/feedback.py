"""Routes of feedback: what users did, durable when it is acknowledged, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from visrec.catalogue.interactions import Interaction
from visrec.server.access import WRITE
from visrec.server.forms import Feedback, FeedbackRemoved, FeedbackStored
from visrec.server.state import metrics_of, served_by, settings_of

__all__ = ["routes"]

routes = APIRouter(tags=["feedback"], dependencies=[WRITE])


@routes.post("/v1/feedback", status_code=201)
def add(request: Request, events: list[Feedback]) -> FeedbackStored:
    """Add events, all or none. One with the same user, item, kind and time counts once: a retry changes nothing."""
    return _store(request, events, overwrite=False)


@routes.put("/v1/feedback")
def put(request: Request, events: list[Feedback]) -> FeedbackStored:
    """As POST, but an event that is already there takes the new value."""
    return _store(request, events, overwrite=True)


@routes.delete("/v1/feedback")
def remove(
    request: Request,
    user_id: Annotated[str, Query(min_length=1)],
    item_id: Annotated[str, Query(min_length=1)],
    kind: Annotated[str | None, Query(min_length=1, description="Such as `like`; without it, all kinds.")] = None,
) -> FeedbackRemoved:
    """Take back what a user did with an item; again: no effect. Only live events go, ingested interactions stay."""
    done = served_by(request).shop.remove_feedback(user_id, item_id, kind)
    return FeedbackRemoved(removed=done.removed, kept=done.kept)


def _store(request: Request, events: Sequence[Feedback], overwrite: bool) -> FeedbackStored:
    served = served_by(request)
    served.check("the number of events", len(events), settings_of(request).max_batch)
    rows = [Interaction(e.user_id, e.item_id, e.kind, e.value, e.timestamp) for e in events]
    stored = served.shop.add_feedback(rows, overwrite=overwrite)
    metrics_of(request).feedback.inc(stored)
    return FeedbackStored(received=len(rows), stored=stored)
