"""SHOP/rules.json: the shop's own rules, checked before they count, and what they come to among the items."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.artifacts import write_atomic
from visrec.core.errors import FilterError, InputError, WorkspaceError
from visrec.core.features import ItemFeatures
from visrec.core.trace import Stopwatch
from visrec.retrieval.plan import RowRules
from visrec.retrieval.rules import Rule, rules_from_json

__all__ = ["ShopRules"]

Matching = Callable[[str, ItemFeatures], npt.NDArray[np.bool_]]


class ShopRules:
    """The rules of a workspace; changed by another process, they count in the very next list.

    Args:
        root: the workspace's folder.
        features: gives the items' features as they are now.
        matching: the items, bool (n_items,), for which a condition is true.
    """

    def __init__(self, root: Path, features: Callable[[], ItemFeatures], matching: Matching) -> None:
        self._file = root / "rules.json"
        self._features = features
        self._matching = matching
        self._parsed: tuple[str, tuple[Rule, ...]] = ("", ())

    def read(self) -> tuple[Rule, ...]:
        """The rules in use, in their order.

        Raises:
            WorkspaceError: when the file is damaged.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"{self._file} cannot be read: {error}. Set the rules again.") from error
        # Read once: another thread may replace it meanwhile.
        parsed = self._parsed
        if parsed[0] != text:
            try:
                parsed = self._parsed = (text, rules_from_json(text, str(self._file)))
            except InputError as error:
                raise WorkspaceError(f"{error} Set the rules again: visrec rules SHOP --set FILE") from error
        return parsed[1]

    def check(self, text: str, name: str = "The rules") -> tuple[Rule, ...]:
        """Check a rules file against the items as they are now; see `visrec.retrieval.rules`.

        Args:
            text: its content.
            name: of the file, for messages.

        Raises:
            InputError: naming the rule that is wrong.
        """
        rules, items = rules_from_json(text, name), self._features()
        for rule in rules:
            self._rows(rule, items, name)
            unknown = [item_id for item_id in rule.items if item_id not in items.item_ids]
            if unknown:
                raise InputError(f"{name}, rule {rule.name!r}: there is no item {unknown[0]!r}.")
        return rules

    def replace(self, text: str, name: str = "The rules") -> tuple[Rule, ...]:
        """Check rules as `check` does, and use them from now on; a wrong file changes nothing."""
        rules = self.check(text, name)
        body = {"rules": [rule.to_json() for rule in rules]}
        write_atomic(self._file, json.dumps(body, ensure_ascii=False, indent=1).encode())
        return rules

    def over(self, items: ItemFeatures, moment: float | None = None) -> RowRules | None:
        """What the rules that hold at a moment (now, unless given) come to among the items; None where none holds.

        Items that are named and no longer there are passed over.

        Raises:
            InputError: when a condition cannot be used any more, naming the rule.
        """
        watch = Stopwatch()
        now = time.time() if moment is None else moment
        rules = [rule for rule in self.read() if rule.holds(now)]
        if not rules:
            return None
        return self._compiled(rules, items, watch)

    def _compiled(self, rules: Sequence[Rule], items: ItemFeatures, watch: Stopwatch) -> RowRules:
        blocked = np.zeros(len(items), dtype=np.bool_)
        lift = np.zeros(len(items), dtype=np.float32)
        pins: list[tuple[int, int, str]] = []
        lifting: list[tuple[str, npt.NDArray[np.bool_]]] = []
        for rule in rules:
            rows = self._rows(rule, items, str(self._file))
            if rule.action == "block":
                blocked |= rows
            elif rule.action == "pin":
                pinned = {row for _, row, _ in pins}
                places = items.item_ids.rows(rule.items).tolist()
                new = [row for row in places if row >= 0 and row not in pinned]
                pins += [(rule.position + place, row, rule.name) for place, row in enumerate(new)]
            else:
                lift[rows] += rule.strength if rule.action == "boost" else -rule.strength
                lifting.append((rule.name, rows))
        return RowRules(blocked, lift, tuple(pins), tuple(lifting), watch.lap())

    def _rows(self, rule: Rule, items: ItemFeatures, name: str) -> npt.NDArray[np.bool_]:
        """The items that a rule is about; bool (n_items,)."""
        if rule.where:
            try:
                return self._matching(rule.where, items)
            except FilterError as error:
                raise InputError(f"{name}, rule {rule.name!r}: {error}") from error
        rows = items.item_ids.rows(rule.items)
        mask = np.zeros(len(items), dtype=np.bool_)
        mask[rows[rows >= 0]] = True
        return mask
