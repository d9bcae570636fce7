"""ONNX Runtime: runs a graph, knows nothing of pictures or texts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, WeightsError

__all__ = ["OnnxSession"]


class OnnxSession:
    """A graph that is loaded at its first run, once, and then shared by threads.

    Args:
        model: gives the .onnx file, or its content; called at the first run.
        threads: threads of one operator; None leaves it to ONNX Runtime (one per physical core).
        output: name of the output to return; the first one when None.
    """

    def __init__(
        self, model: Callable[[], Path | bytes], threads: int | None = None, output: str | None = None
    ) -> None:
        if threads is not None and threads < 1:
            raise InputError(f"Expected 1 thread or more, got {threads}.")
        self._model = model
        self._threads = threads
        self._output = output
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def raw(self) -> Any:
        """The `onnxruntime.InferenceSession`, loaded now if it was not."""
        with self._lock:
            if self._session is None:
                self._session = _load(self._model(), self._threads)
            return self._session

    @property
    def model(self) -> Path | bytes:
        """The graph's file, or its content."""
        return self._model()

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Run the graph on a batch; the chosen output as float32."""
        session = self.raw
        output = self._output or session.get_outputs()[0].name
        (result,) = session.run([output], dict(inputs))
        return np.ascontiguousarray(result, dtype=np.float32)

    def run_single(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Run a graph that has one input."""
        return self.run({self.raw.get_inputs()[0].name: batch})


def _load(model: Path | bytes, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from the threads that decode the next pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        content = model if isinstance(model, bytes) else str(model)
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no public base class.
        name = "The graph" if isinstance(model, bytes) else model
        raise WeightsError(f"{name} cannot be loaded by ONNX Runtime ({error}).") from error
