"""`open_clip:NAME`: any model of the open_clip library, for pictures and for texts in the same space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, MissingExtraError, WeightsError
from visrec.encoders.framing import Framing
from visrec.encoders.offline import hub_as_allowed
from visrec.encoders.torch_model import TorchModel
from visrec.encoders.weights import Say, quiet

__all__ = ["OpenClipModel"]


class OpenClipModel(TorchModel):
    """An open_clip model's `encode_image` and `encode_text`.

    Args:
        name: "ARCHITECTURE/PRETRAINED", such as "ViT-B-32/laion2b_s34b_b79k", or "hf-hub:OWNER/NAME".
        say: told what is loaded.
        create: makes the model from architecture and tag; `open_clip.create_model` when None.
    """

    def __init__(self, name: str, say: Say = quiet, create: Callable[[str, str | None], Any] | None = None) -> None:
        open_clip = _open_clip()
        architecture, pretrained = _split(name)
        say(f"Loading {name} with open_clip; the weights are fetched from the hub at first use.")
        try:
            with hub_as_allowed():
                model = (create or _create)(architecture, pretrained)
        except (RuntimeError, OSError) as error:
            raise WeightsError(
                f"The weights of open_clip:{name} are not on this machine and could not be fetched ({error}). "
                "Check the network, and that VISREC_OFFLINE is not set."
            ) from error
        settings = open_clip.get_model_preprocess_cfg(model)
        size = settings["size"]
        mean, std = ([float(value) * 255 for value in settings[key]] for key in ("mean", "std"))
        framing = Framing(
            int(size if isinstance(size, int) else size[-1]),
            1.0,
            "bilinear" if settings.get("interpolation") == "bilinear" else "bicubic",
            (mean[0], mean[1], mean[2]),
            (std[0], std[1], std[2]),
            whole=settings.get("resize_mode") == "squash",
        )
        super().__init__(f"open_clip:{name}", model, model.encode_image, framing, "unknown", f"open_clip {name}")
        self._architecture, self._model = architecture, model

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts in the space of the pictures; float32 (len(texts), dim).

        Raises:
            WeightsError: when the model's tokenizer cannot be had.
        """
        import torch

        try:
            with hub_as_allowed():
                tokenise = _open_clip().get_tokenizer(self._architecture)
        except (RuntimeError, OSError) as error:
            raise WeightsError(f"The tokenizer of {self.info.id} is not on this machine ({error}).") from error
        with torch.inference_mode():
            return np.ascontiguousarray(self._model.encode_text(tokenise(list(texts))).float().numpy())


def _split(name: str) -> tuple[str, str | None]:
    if name.startswith("hf-hub:"):
        return name, None
    architecture, slash, pretrained = name.partition("/")
    if not slash or not architecture or not pretrained:
        raise InputError(f"Expected open_clip:ARCHITECTURE/PRETRAINED or open_clip:hf-hub:OWNER/NAME, got {name!r}.")
    return architecture, pretrained


def _open_clip() -> Any:
    try:
        import open_clip
    except ImportError as error:
        raise MissingExtraError("An encoder open_clip:NAME", "open-clip") from error
    return open_clip


def _create(architecture: str, pretrained: str | None) -> Any:
    import open_clip

    if pretrained is not None:
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        if pretrained not in tags and not Path(pretrained).is_file():
            known = ", ".join(tags) if tags else "none: open_clip.list_pretrained() lists architectures and tags"
            raise InputError(f"open_clip does not know {architecture}/{pretrained}. Of {architecture}: {known}.")
    # An architecture without weights would be random: refuse it rather than embed noise.
    return open_clip.create_model(architecture, pretrained=pretrained, require_pretrained=True)
