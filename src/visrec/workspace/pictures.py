"""A picture that is no item's, embedded as the catalogue's pictures were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.errors import ImageError, InputError, NotFittedError, NotFoundError
from visrec.core.protocols import ImageEncoder
from visrec.core.settings import ImageLimits
from visrec.encoders.registry import image_encoder
from visrec.workspace.settings import WorkspaceSettings

__all__ = ["PictureReader"]


class PictureReader:
    """Embeds pictures; keeps the encoder that it used last."""

    def __init__(self, root: Path, limits: ImageLimits) -> None:
        self._root = root
        self._limits = limits
        self._encoder: tuple[str, ImageEncoder] | None = None

    def embed(self, picture: Path | bytes, settings: WorkspaceSettings) -> npt.NDArray[np.float32]:
        """One picture, a file or its bytes, in the feature set in use; float32 (dim,).

        Raises:
            NotFittedError: when no feature set is in use, or its encoder is another by now.
            NotFoundError: when there is no such file.
            InputError: when it is no picture that can be read.
        """
        from visrec.encoders.pipeline import encode_picture, read_picture

        if not settings.image_features:
            raise NotFittedError(f"{self._root} has no image features yet. Run: visrec encode {self._root}")
        name = "The picture" if isinstance(picture, bytes) else str(picture)
        if isinstance(picture, Path):
            if picture.is_dir():
                raise InputError(f"Expected a picture file, got the folder {picture}.")
            if not picture.exists():
                raise NotFoundError(f"There is no file {picture}.")
        try:
            data = picture if isinstance(picture, bytes) else read_picture(picture, self._limits)
            return encode_picture(self.encoder(settings), data, self._limits)
        except ImageError as error:
            raise InputError(f"{name} cannot be used: {error}. Give a picture such as JPEG or PNG.") from error

    def encoder(self, settings: WorkspaceSettings) -> ImageEncoder:
        """The encoder of the feature set in use.

        Raises:
            NotFittedError: when no feature set is in use, or its encoder is another by now.
        """
        if not settings.image_features:
            raise NotFittedError(f"{self._root} has no image features yet. Run: visrec encode {self._root}")
        name = settings.image_encoder
        if self._encoder is None or self._encoder[0] != name:
            self._encoder = (name, image_encoder(name))
        encoder = self._encoder[1]
        if encoder.info.feature_set != settings.image_features:
            raise NotFittedError(
                f"The pictures of {self._root} were encoded by another version of {name} "
                f"({settings.image_features}) than this one ({encoder.info.feature_set}). "
                f"Run: visrec encode {self._root} --encoder {name}"
            )
        return encoder
