"""The names by which users call encoders."""

from __future__ import annotations

from pathlib import Path

from visrec.core.errors import InputError
from visrec.encoders.registry import ENCODERS, image_encoder, text_encoder
from visrec.encoders.weights import Say, quiet

__all__ = ["check_encoder", "full_name", "reads_texts"]


def full_name(name: str) -> str:
    """The name that means the same encoder from any folder: `onnx:PATH` gets the whole path."""
    kind, colon, path = name.partition(":")
    return f"onnx:{Path(path).expanduser().resolve()}" if kind == "onnx" and colon and path else name


def reads_texts(name: str) -> bool:
    """Whether a name is a text encoder's."""
    return name in ENCODERS and ENCODERS[name].modality == "text"


def check_encoder(name: str, *, texts: bool = False, say: Say = quiet) -> None:
    """Refuse an encoder that cannot do what it is wanted for, before anything is changed.

    Raises:
        InputError: when there is no such encoder, or it reads the other thing.
        MissingExtraError: when an optional dependency is missing.
        WeightsError: when its weights are not here and may not be fetched.
    """
    if texts:
        text_encoder(name, say=say)
    elif reads_texts(name):
        raise InputError(
            f"Expected an encoder of pictures, got {name!r}, which reads texts. Give it as --text-encoder."
        )
    else:
        image_encoder(full_name(name), say=say)
