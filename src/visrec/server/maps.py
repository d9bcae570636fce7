"""The route of the map: every item's place, in one answer that is kept until something changes."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, Request, Response

from visrec.core.attributes import AttributeColumn, first_entries
from visrec.core.errors import VisrecError
from visrec.core.ids import IdMap
from visrec.server.access import READ
from visrec.workspace.item_map import ItemMap
from visrec.workspace.workspace import Workspace

__all__ = ["ServedMap", "routes"]

_LOG = logging.getLogger("visrec.server")
_SCALE = 65_535

routes = APIRouter(tags=["items"])


@dataclass(frozen=True)
class _Answer:
    features: object
    attributes: object
    tag: str
    body: bytes


class ServedMap:
    """The map as it is sent. The better layout is worked out in a thread, when somebody looks for the first time."""

    def __init__(self, shop: Workspace) -> None:
        self._shop = shop
        self._lock = threading.Lock()
        self._answer: _Answer | None = None
        self._worker: threading.Thread | None = None
        self._tried: object = None

    def answer(self) -> _Answer:
        """As the items are now."""
        features, attributes = self._shop.item_features(), self._shop.attributes.version
        with self._lock:
            kept = self._answer
            if kept is None or kept.features is not features or kept.attributes != attributes:
                found = self._shop.maps.now()
                body = json.dumps(_as_json(self._shop, found), ensure_ascii=False, separators=(",", ":")).encode()
                kept = self._answer = _Answer(features, attributes, f'"{hashlib.sha256(body).hexdigest()[:32]}"', body)
                if found.method == "pca":
                    self._begin(features)
            return kept

    def _begin(self, features: object) -> None:
        busy = self._worker is not None and self._worker.is_alive()
        if not busy and self._tried is not features:
            self._tried = features
            self._worker = threading.Thread(target=self._work, name="visrec-map", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        try:
            done = self._shop.maps.make()
        except VisrecError as error:
            _LOG.warning("the map could not be worked out", extra={"error": str(error)})
            return
        _LOG.info("the map was worked out", extra={"items": len(done.item_ids), "seconds": round(done.seconds, 1)})
        with self._lock:
            self._answer = None


@routes.get("/v1/map", dependencies=[READ], response_class=Response)
def read_map(request: Request) -> Response:
    """Every item's place in the plane, and its colour: arrays of n item ids, places of 0 to 65,535, and colours.

    `method` is "pca" until the layout that keeps neighbours together, "tsne", was worked out.
    """
    found: ServedMap = request.app.state.map
    answer = found.answer()
    headers = {"ETag": answer.tag, "Cache-Control": "private, no-cache"}
    if answer.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def _as_json(shop: Workspace, found: ItemMap) -> dict[str, object]:
    places = np.rint(found.positions * _SCALE).astype(int).clip(0, _SCALE)
    names, colours = _colours(shop, found.item_ids)
    return {
        "method": found.method,
        "features": found.features,
        "item_ids": found.item_ids,
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "colours": names,
        "colour": colours,
    }


def _colours(shop: Workspace, item_ids: tuple[str, ...]) -> tuple[list[str], list[int]]:
    """Names of colours, and for each item the place of its main one, -1 where none was recognized."""
    column: AttributeColumn | None = shop.attributes.columns().get("colour")
    if column is None:
        return [], [-1] * len(item_ids)
    all_ids = IdMap(shop.catalogue.items().column("item_id").to_pylist())
    by_row = np.full(len(all_ids), -1, dtype=np.int64)
    rows, entries = first_entries(column)
    by_row[rows] = column.label[entries]
    return list(column.labels), by_row[all_ids.rows(item_ids)].tolist()
