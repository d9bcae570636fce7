"""What requests and answers look like; the names are those of the Python API."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

__all__ = [
    "Event",
    "Example",
    "Feedback",
    "FeedbackRemoved",
    "FeedbackStored",
    "Given",
    "ItemsStored",
    "Line",
    "Listed",
    "ListForm",
    "NamedRow",
    "PartOf",
    "QueryForm",
    "RecommendationForm",
    "Row",
]

Text = Field(min_length=1, max_length=1000)


class Given(BaseModel):
    """Something a client sends: a misspelt field is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ListForm(Given):
    """What shapes a list; see `visrec.core.list_options.ListOptions`."""

    k: int = Field(10, ge=1, description="Length of the list.")
    where: str | None = Field(
        None, max_length=4000, description="SQL condition over the items' columns and attributes."
    )
    candidates: list[str] | None = Field(None, description="Rank only these items.")
    exclude_seen: bool = Field(True, description="Leave out what the user has seen; in a query, the examples.")
    min_score: float | None = Field(None, description="Leave out items that score below it.")
    diversity: float = Field(0.0, ge=0, le=1, description="0: by score alone; 1: as unlike each other as can be.")
    collapse_duplicates: bool = Field(False, description="Of items that show one picture only the best.")
    max_per: dict[str, int] = Field({}, description="Column or attribute: at most so many items of each value.")
    rules: bool = Field(True, description="Apply the shop's rules.")
    trace: bool = Field(False, description="Say what each stage kept and removed, and how long it took.")

    def options(self) -> dict[str, Any]:
        """As keyword arguments of `Workspace.recommend` and `query`, but k."""
        return {name: getattr(self, name) for name in ListForm.model_fields if name != "k"}


class Event(Given):
    """One thing that somebody did with an item."""

    item_id: str = Text
    kind: str = Field("like", min_length=1, max_length=100)
    value: float | None = None
    timestamp: int | None = Field(None, description="Epoch seconds; without one: now.")


class Feedback(Event):
    """One thing that a user did with an item."""

    user_id: str = Text


class FeedbackStored(BaseModel):
    """Every event is on disk, and counts in the next answer."""

    received: int
    stored: int = Field(description="Those that were not there yet; PUT counts those that it changed too.")


class FeedbackRemoved(BaseModel):
    """Events that count no longer, from the next answer on."""

    removed: int
    kept: int = Field(description="Ingested interactions of the same user, item and kind: they stay.")


def _either(*fields: str) -> ConfigDict:
    """Says in the documentation which fields exclude each other."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [field]} for field in fields]})


class RecommendationForm(ListForm):
    """Whom to recommend for: users, or sessions of somebody who is no user yet."""

    model_config = _either("user_ids", "sessions")

    user_ids: list[str] | None = None
    sessions: list[list[Event]] | None = Field(None, description="For each, what somebody did, in order.")
    model: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> RecommendationForm:
        if (self.user_ids is None) == (self.sessions is None):
            raise ValueError("expected either user_ids or sessions")
        return self


class Example(Given):
    """Something to rank by: an item, an embedding, or one of the pictures that come with the request."""

    model_config = _either("item_id", "vector", "file")

    item_id: str | None = None
    vector: list[float] | None = None
    url: str | None = Field(default=None, max_length=2000, description="Of a picture; where the server allows it.")
    file: int | None = Field(
        default=None, ge=0, description="Number of a part `pictures` of a multipart request, from 0."
    )
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _one_source(self) -> Example:
        if sum(source is not None for source in (self.item_id, self.vector, self.url, self.file)) != 1:
            raise ValueError("expected one of item_id, vector, url and file")
        return self


class QueryForm(ListForm):
    """Liked and disliked examples."""

    like: list[Example | str] = Field([], description="Examples; a text is an item id.")
    dislike: list[Example | str] = []


class Line(BaseModel):
    """One item of a list."""

    model_config = ConfigDict(extra="allow")

    rank: int
    item_id: str
    score: float
    source: str
    parts: dict[str, float]
    title: str | None = None
    reasons: dict[str, Any] | None = Field(None, description="Why; where that was asked for.")


class PartOf(BaseModel):
    """The experiment that a list is part of, and the variant that this user gets."""

    name: str
    variant: str
    model: str


class Listed(BaseModel):
    """Items, best first."""

    model_config = ConfigDict(extra="allow")

    items: list[Line]
    user_id: str | None = None
    note: str | None = None
    next_cursor: str | None = Field(None, description="Give it as `cursor` for what comes after; absent at the end.")
    experiment: PartOf | None = Field(None, description="Where one runs and no model was asked for.")
    took_ms: float


class ItemsStored(BaseModel):
    """What became of the items."""

    new: int
    updated: int
    unchanged: int
    not_embedded: dict[str, str] = Field(description="Item id: why its picture has no embedding.")


Row: TypeAlias = dict[str, JsonValue]
"""An item's columns."""

NamedRow: TypeAlias = Annotated[
    Row,
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"item_id": {"type": "string"}},
            "required": ["item_id"],
            "additionalProperties": True,
        }
    ),
]
"""An item: item_id and any other columns."""
