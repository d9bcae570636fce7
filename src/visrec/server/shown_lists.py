"""The experiment that runs: which variant a user gets, and what they were shown, written down beside the answers."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from visrec.core.errors import VisrecError
from visrec.server.observed import Metrics
from visrec.workspace.experiments import Experiments
from visrec.workspace.impressions import Impression

__all__ = ["ShownLists", "Told"]

_LOG = logging.getLogger("visrec.server")
#: Lists that wait to be written; what comes beyond is counted as lost.
_MOST_WAITING = 10_000
_MOST_AT_ONCE = 500
_SECONDS_BETWEEN = 0.5


@dataclass(frozen=True)
class Told:
    """What an answer says of the experiment that it is part of.

    Attributes:
        name: of the experiment.
        variant: the variant that the user gets.
        model: the model of this variant.
    """

    name: str
    variant: str
    model: str


class ShownLists:
    """Writes impressions in a thread of its own, many at once; up to half a second of them is lost in a crash.

    Args:
        experiments: of the shop.
        metrics: counts what is written and what is lost.
    """

    def __init__(self, experiments: Experiments, metrics: Metrics) -> None:
        self._experiments = experiments
        self._metrics = metrics
        self._waiting: queue.Queue[Impression] = queue.Queue(_MOST_WAITING)
        self._ending = threading.Event()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()

    def variants_of(self, user_ids: Sequence[str]) -> list[Told | None]:
        """What each user gets; None where no experiment runs."""
        running = self._experiments.running()
        if running is None:
            return [None] * len(user_ids)
        variants = [running.variant_of(user_id) for user_id in user_ids]
        return [Told(running.name, variant.name, variant.model) for variant in variants]

    def add(self, told: Told, user_id: str, item_ids: Sequence[str]) -> None:
        """Have a list written down soon; never raises and never waits."""
        try:
            self._waiting.put_nowait(Impression(told.name, told.variant, user_id, int(time.time()), tuple(item_ids)))
        except queue.Full:
            self._metrics.impressions_lost.inc()
            return
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="visrec-impressions", daemon=True)
                self._writer.start()

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._ending.set()
        if self._writer is not None:
            self._writer.join()

    def _write_all(self) -> None:
        while not self._ending.wait(_SECONDS_BETWEEN):
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while batch := self._batch():
            try:
                self._experiments.impressions.add(batch)
            except VisrecError as error:
                _LOG.warning("what was shown could not be written", extra={"error": str(error), "lists": len(batch)})
                self._metrics.impressions_lost.inc(len(batch))
                return
            self._metrics.impressions.inc(len(batch))

    def _batch(self) -> list[Impression]:
        batch: list[Impression] = []
        while len(batch) < _MOST_AT_ONCE:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch
