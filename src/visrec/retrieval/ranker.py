"""From a model's scores to ranked lists: candidates, seen items, fallback, top k, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.protocols import Recommender, Scores
from visrec.core.ranking import RankedItem, Ranking
from visrec.core.top_k import top_k

__all__ = ["Ranker"]

#: A block of scores holds at most so many numbers (256 MiB of float32).
_BLOCK_SCORES = 1 << 26


class Ranker:
    """Ranks items with one model; users without a liked item get the fallback's list, marked as such."""

    def __init__(self, model: Recommender, fallback: Recommender) -> None:
        self._model = model
        self._fallback = fallback

    def rank(
        self,
        histories: Histories,
        items: ItemFeatures,
        k: int,
        *,
        allowed: npt.NDArray[np.bool_] | None = None,
        exclude_seen: bool = True,
        titles: Mapping[int, str] | None = None,
        block: int = 256,
    ) -> Iterator[Ranking]:
        """Rank the items for each history, in blocks of users, best first.

        Args:
            histories: n_users histories over `items`.
            items: features of n_items items.
            k: length of the lists; a list is shorter where fewer items may be recommended.
            allowed: bool (n_items,), the items that may be recommended; None: all.
            exclude_seen: leave out what the history holds, liked or not.
            titles: row -> title.
            block: users scored at once, at most.

        Raises:
            InputError: when k or block is below 1.
        """
        if k < 1 or block < 1:
            raise InputError(f"Expected k and block of 1 or more, got {k} and {block}.")
        block = max(1, min(block, _BLOCK_SCORES // max(len(items), 1)))
        for start in range(0, len(histories), block):
            rows = np.arange(start, min(start + block, len(histories)), dtype=np.int64)
            yield from self._block(histories.take(rows), items, k, allowed, exclude_seen, titles or {})

    def _block(
        self,
        histories: Histories,
        items: ItemFeatures,
        k: int,
        allowed: npt.NDArray[np.bool_] | None,
        exclude_seen: bool,
        titles: Mapping[int, str],
    ) -> Iterator[Ranking]:
        liked = np.diff(histories.liked().indptr) > 0
        known, unknown = np.flatnonzero(liked), np.flatnonzero(~liked)
        lists: dict[int, Ranking] = {}
        for model, users in ((self._model, known), (self._fallback, unknown)):
            if not users.size:
                continue
            note = "" if model is self._model else _fallback_note(model.id)
            if not len(items):
                lists.update({user: Ranking((), histories.user_ids[user], note) for user in users.tolist()})
                continue
            group = histories.take(users)
            scores = model.score(group, items)
            masked = scores.values.copy()
            if allowed is not None:
                masked[:, ~allowed] = -np.inf
            if exclude_seen:
                seen = group.matrix()
                masked[np.repeat(np.arange(len(group)), np.diff(seen.indptr)), seen.indices] = -np.inf
            # Of more lines than items most would be empty.
            top = top_k(masked, min(k, len(items)))
            found = _rankings(group, items, top, masked, scores, titles, note)
            lists.update(zip(users.tolist(), found, strict=True))
        for row in range(len(histories)):
            yield lists[row]


def _fallback_note(name: str) -> str:
    return f"no liked item is known of this user: these are the {name} items"


def _rankings(
    histories: Histories,
    items: ItemFeatures,
    top: npt.NDArray[np.int64],
    masked: npt.NDArray[np.float32],
    scores: Scores,
    titles: Mapping[int, str],
    note: str,
) -> list[Ranking]:
    sources = list(scores.parts)
    chosen = np.maximum(top, 0)
    values = np.take_along_axis(masked, chosen, axis=1).tolist()
    parts = np.stack([np.take_along_axis(scores.parts[s], chosen, axis=1) for s in sources], axis=2)
    main = parts.argmax(axis=2).tolist()
    shares = parts.tolist()
    rankings = []
    for user, rows in enumerate(top.tolist()):
        lines = tuple(
            RankedItem(
                rank=place + 1,
                item_id=items.item_ids[row],
                score=values[user][place],
                source=sources[main[user][place]],
                parts={s: share for s, share in zip(sources, shares[user][place], strict=True) if share},
                title=titles.get(row, ""),
            )
            for place, row in enumerate(rows)
            if row >= 0
        )
        rankings.append(Ranking(lines, histories.user_ids[user], note))
    return rankings
