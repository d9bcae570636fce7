"""Routes of items: read, listed, counted, added, changed and taken out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel

from visrec.core.errors import InputError, NotFoundError
from visrec.server.access import ADMIN, READ
from visrec.server.encoded_paths import ItemId
from visrec.server.facets import FacetValue, facet, facet_names
from visrec.server.forms import ItemsStored, NamedRow, Row
from visrec.server.paging import next_cursor, offset_of
from visrec.server.state import fetched, served_by, settings_of, thumbnails_of
from visrec.server.thumbnails import WIDTHS

__all__ = ["routes"]

routes = APIRouter(tags=["items"])

Where = Annotated[str | None, Query(description="SQL condition over the columns and attributes.", max_length=4000)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=64)]
PageLength = Annotated[int, Query(ge=1, description="Length of the page.")]
_VALUES = 50


class ItemPage(BaseModel):
    """Items in the catalogue's order."""

    items: list[dict[str, Any]]
    total: int
    next_cursor: str | None = None


class FacetCounts(BaseModel):
    """A column's values, the most frequent first."""

    column: str
    values: list[FacetValue]


class Removed(BaseModel):
    """What was taken out."""

    items: int
    images: int
    interactions: int


@routes.get("/v1/items", dependencies=[READ])
def list_items(request: Request, k: PageLength = 50, where: Where = None, cursor: Cursor = None) -> ItemPage:
    """A page of the items, with all their columns."""
    served, start = served_by(request), offset_of(cursor)
    served.check("k", k, settings_of(request).max_k)
    items = served.shop.catalogue.items()
    rows = _rows(request, where)
    page = items.slice(start, k) if rows is None else items.take(pa.array(rows[start : start + k], pa.int64()))
    total = len(items) if rows is None else len(rows)
    more = start + len(page) < total
    found = [_plain(row) for row in page.to_pylist()]
    return ItemPage(items=found, total=total, next_cursor=next_cursor(start + len(page)) if more else None)


@routes.get("/v1/facets", dependencies=[READ])
def list_facets(
    request: Request,
    columns: Annotated[list[str] | None, Query(description="Columns and attributes; default: all that repeat.")] = None,
    where: Where = None,
) -> list[FacetCounts]:
    """How many items have each value of some columns, and the `where` that selects them."""
    shop, rows = served_by(request).shop, _rows(request, where)
    return [
        FacetCounts(column=name, values=facet(shop, name).counts(rows, _VALUES))
        for name in columns or facet_names(shop)
    ]


@routes.get("/v1/items/{item_id}", dependencies=[READ])
def read_item(request: Request, item_id: ItemId) -> dict[str, Any]:
    """One item: its columns, what was seen in its picture, and the picture's size."""
    served = served_by(request)
    row = _plain(served.shop.catalogue.items().slice(served.row(item_id), 1).to_pylist()[0])
    seen = served.shop.attributes.of([item_id])[item_id]
    return {"item": row, "attributes": [one.to_json() for one in seen], "picture": item_id in served.pictures()}


@routes.get(
    "/v1/items/{item_id}/picture",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, 304: {"description": "It is the one that the ETag names."}},
)
def picture(
    request: Request,
    item_id: ItemId,
    width: Annotated[int, Query(description=f"Longer side: {', '.join(map(str, WIDTHS))} pixels.")] = 240,
) -> Response:
    """The item's first picture, scaled down, as WebP."""
    served = served_by(request)
    shown = served.pictures().get(item_id)
    if shown is None:
        served.row(item_id)
        raise NotFoundError(f"Item {item_id!r} has no picture.")
    tag = f'"{shown.sha256[:32]}-{width}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(thumbnails_of(request).of(shown, width), media_type="image/webp", headers=headers)


@routes.post("/v1/items", status_code=201, dependencies=[ADMIN])
def put_items(request: Request, items: list[NamedRow]) -> ItemsStored:
    """Add items or change them, all or none; a column that an item does not name keeps its value."""
    served_by(request).check("the number of items", len(items), settings_of(request).max_batch)
    return _stored(request, items, {})


@routes.put("/v1/items/{item_id}", dependencies=[ADMIN])
def put_item(request: Request, item_id: ItemId, item: Row) -> ItemsStored:
    """Add one item or change it."""
    return _stored(request, [_with_id(item, item_id)], {})


@routes.put("/v1/items/{item_id}/picture", dependencies=[ADMIN])
def put_picture(
    request: Request,
    item_id: ItemId,
    picture: Annotated[UploadFile | None, File(description="An image file.")] = None,
    url: Annotated[str | None, Form(description="Or where it is; where the server allows it.", max_length=2000)] = None,
    item: Annotated[str, Form(description="The item's columns as JSON.", max_length=1_000_000)] = "{}",
) -> ItemsStored:
    """Add an item by its picture, or give it another one; it can be recommended when this answers."""
    if (picture is None) == (url is None):
        raise InputError("Expected either `picture`, a file, or `url`.")
    data = picture.file.read() if picture is not None else fetched(request, str(url))
    return _stored(request, [_with_id(_row_of(item), item_id)], {item_id: data})


def _row_of(item: str) -> dict[str, Any]:
    try:
        row = json.loads(item)
    except (ValueError, RecursionError) as error:
        raise InputError(f"Expected `item` as a JSON object ({error}).") from error
    if not isinstance(row, dict):
        raise InputError(f"Expected `item` as a JSON object, got {type(row).__name__}.")
    return row


@routes.delete("/v1/items/{item_id}", dependencies=[ADMIN])
def remove_item(request: Request, item_id: ItemId) -> Removed:
    """Take an item out, with its images and interactions."""
    removed = served_by(request).shop.remove_item(item_id)
    return Removed(items=removed.items, images=removed.images, interactions=removed.interactions)


def _stored(request: Request, rows: Sequence[Mapping[str, Any]], pictures: Mapping[str, bytes]) -> ItemsStored:
    report = served_by(request).shop.put_items(rows, pictures)
    return ItemsStored(
        new=report.new, updated=report.updated, unchanged=report.unchanged, not_embedded=dict(report.not_embedded)
    )


def _with_id(item: Mapping[str, Any], item_id: str) -> dict[str, Any]:
    if item.get("item_id", item_id) != item_id:
        raise InputError(f"Expected item_id {item_id!r} as in the path, or none, got {item['item_id']!r}.")
    return {**item, "item_id": item_id}


def _rows(request: Request, where: str | None) -> list[int] | None:
    """Rows for which a condition is true, in order; None: all."""
    if where is None:
        return None
    served = served_by(request)
    return served.item_ids().rows(served.shop.attributes.matching(where)).tolist()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without what JSON has no word for, and without empty columns."""
    return {
        name: value if isinstance(value, str | int | float | bool | list | dict) else str(value)
        for name, value in row.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
