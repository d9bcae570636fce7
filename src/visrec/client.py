"""A client of the HTTP API: the answers are the objects of the Python API."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from visrec.catalogue.interactions import Interaction
from visrec.catalogue.report import EventsRemoved
from visrec.core.errors import (
    AccessError,
    InputError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
    UnsupportedError,
    VisrecError,
)
from visrec.core.ranking import RankedItem, Ranking

__all__ = ["Client"]

_ERRORS: Mapping[int, type[VisrecError]] = {
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    409: UnsupportedError,
    500: UnavailableError,
    503: UnavailableError,
    507: StorageFullError,
    429: UnavailableError,
}
_TRY_AGAIN = {429, 502, 503, 504}
_LONGEST_WAIT = 10.0


class Client:
    """A server of `visrec serve`, by its URL.

    What fails because the server is busy, restarting or not reached is tried again: every request of this client has
    the same effect once or twice, for events get their time before they are first sent.

    Example:
        >>> from visrec import Client
        >>> with Client("http://127.0.0.1:8765") as server:                  # doctest: +SKIP
        ...     server.like("customer 42", "0156-lamp")
        ...     server.recommend("customer 42", k=10).item_ids

    Args:
        url: where the server is.
        key: one of `visrec keys`, where it needs one.
        timeout: seconds for one answer.
        retries: how often to try again.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8765", key: str | None = None, timeout: float = 30.0, retries: int = 3
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout)
        self._retries = retries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -------------------------------------------------------------- answering

    def recommend(self, user_id: str, k: int = 10, **options: Any) -> Ranking:
        """Items for one user; options are those of `Workspace.recommend`."""
        return self.recommend_many([user_id], k, **options)[0]

    def recommend_many(self, user_ids: Sequence[str], k: int = 10, **options: Any) -> list[Ranking]:
        """Items for each of many users."""
        body = self._post("/v1/recommendations", {"user_ids": list(user_ids), "k": k, **options})
        return [_ranking(one) for one in body]

    def recommend_session(self, events: Sequence[Interaction], k: int = 10, **options: Any) -> Ranking:
        """Items for somebody of whom only these events are known; nothing is stored."""
        session = [_event(event) for event in events]
        return _ranking(self._post("/v1/recommendations", {"sessions": [session], "k": k, **options})[0])

    def similar(self, item_id: str, k: int = 10, **options: Any) -> Ranking:
        """Items that look like an item."""
        return self.query([item_id], k=k, **options)

    def query(
        self,
        like: Sequence[str | Path | bytes] = (),
        dislike: Sequence[str | Path | bytes] = (),
        k: int = 10,
        **options: Any,
    ) -> Ranking:
        """Items by examples: item ids (str), pictures (Path, or bytes)."""
        files: list[tuple[str, tuple[str, bytes]]] = []
        sides = {name: [_example(one, files) for one in side] for name, side in (("like", like), ("dislike", dislike))}
        asked = {**sides, "k": k, **options}
        if not files:
            return _ranking(self._post("/v1/query", asked))
        answer = self._send("POST", "/v1/query/pictures", data={"query": json.dumps(asked)}, files=files)
        return _ranking(answer)

    def profile(self, user_id: str) -> dict[str, Any]:
        """What a user likes to look at, as `TasteProfile.to_json`."""
        return dict(self._send("GET", f"/v1/users/{_segment(user_id)}/profile"))

    # ---------------------------------------------------------------- telling

    def like(self, user_id: str, item_id: str) -> int:
        """Store that a user likes an item; see `add_feedback`."""
        return self.add_feedback([Interaction(user_id, item_id, "like")])

    def dislike(self, user_id: str, item_id: str) -> int:
        """Store that a user dislikes an item; see `add_feedback`."""
        return self.add_feedback([Interaction(user_id, item_id, "dislike")])

    def add_feedback(self, events: Sequence[Interaction], *, overwrite: bool = False) -> int:
        """Store events; they are on the server's disk when this returns. Returns how many were stored."""
        now = int(time.time())
        timed = [replace(event, timestamp=now) if event.timestamp is None else event for event in events]
        rows = [{"user_id": event.user_id, **_event(event)} for event in timed]
        return int(self._send("PUT" if overwrite else "POST", "/v1/feedback", json=rows)["stored"])

    def remove_feedback(self, user_id: str, item_id: str, kind: str | None = None) -> EventsRemoved:
        """Take back live events of a user with an item, of one kind or of all; again: no effect."""
        asked = {"user_id": user_id, "item_id": item_id, **({} if kind is None else {"kind": kind})}
        return EventsRemoved(**self._send("DELETE", "/v1/feedback", params=asked))

    # ------------------------------------------------------------------ items

    def items(self, where: str | None = None, page: int = 200) -> Iterator[dict[str, Any]]:
        """Every item with its columns, in the catalogue's order, a page at a time."""
        asked: dict[str, Any] = {"k": page, **({"where": where} if where is not None else {})}
        while True:
            answer = self._send("GET", "/v1/items", params=asked)
            yield from answer["items"]
            if not answer.get("next_cursor"):
                return
            asked["cursor"] = answer["next_cursor"]

    def item(self, item_id: str) -> dict[str, Any]:
        """One item: its columns, and what was seen in its picture."""
        return dict(self._send("GET", f"/v1/items/{_segment(item_id)}"))

    def put_item(self, item: Mapping[str, Any], picture: Path | bytes | None = None) -> dict[str, Any]:
        """Add an item or change it; with a picture it can be recommended when this returns."""
        path = f"/v1/items/{_segment(str(item['item_id']))}"
        if picture is None:
            return dict(self._send("PUT", path, json=dict(item)))
        data = picture if isinstance(picture, bytes) else picture.read_bytes()
        files = [("picture", ("picture", data))]
        return dict(self._send("PUT", f"{path}/picture", data={"item": json.dumps(dict(item))}, files=files))

    def remove_item(self, item_id: str) -> dict[str, Any]:
        """Take an item out, with its images and interactions."""
        return dict(self._send("DELETE", f"/v1/items/{_segment(item_id)}"))

    def remove_user(self, user_id: str) -> dict[str, Any]:
        """Take out all that a user did."""
        return dict(self._send("DELETE", f"/v1/users/{_segment(user_id)}"))

    # ---------------------------------------------------------------- private

    def _post(self, path: str, body: Any) -> Any:
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **parts: Any) -> Any:
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._http.request(method, path, **parts)
            except httpx2.TransportError as error:
                if last:
                    raise UnavailableError(f"{self._http.base_url} is not reached: {error}.") from error
                self._wait(attempt, None)
                continue
            if answer.status_code in _TRY_AGAIN and not last:
                self._wait(attempt, answer.headers.get("retry-after"))
                continue
            return _body(answer)
        raise AssertionError("unreachable")

    def _wait(self, attempt: int, asked: str | None) -> None:
        seconds = float(asked) if asked and asked.isdecimal() else 0.2 * 2**attempt
        # Not all clients at the same moment.
        time.sleep(min(seconds, _LONGEST_WAIT) * random.uniform(0.8, 1.2))


def _body(answer: httpx2.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        told = answer.json()
        detail = f"{told['detail']} (status {answer.status_code}, request {told.get('request_id', '')})"
    except (ValueError, KeyError, TypeError):
        detail = f"The server answered with status {answer.status_code}."
    raise _ERRORS.get(answer.status_code, InputError)(detail)


def _ranking(body: Mapping[str, Any]) -> Ranking:
    items = tuple(
        RankedItem(one["rank"], one["item_id"], one["score"], one["source"], one["parts"], one.get("title") or "")
        for one in body["items"]
    )
    return Ranking(items, body.get("user_id"), body.get("note") or "")


def _event(event: Interaction) -> dict[str, Any]:
    return {"item_id": event.item_id, "kind": event.kind, "value": event.value, "timestamp": event.timestamp}


def _example(example: str | Path | bytes, files: list[tuple[str, tuple[str, bytes]]]) -> dict[str, Any]:
    if isinstance(example, str):
        return {"item_id": example}
    data = example if isinstance(example, bytes) else example.read_bytes()
    files.append(("pictures", (f"picture {len(files)}", data)))
    return {"file": len(files) - 1}


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")
