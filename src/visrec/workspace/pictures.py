"""A picture file that is no item's, embedded as the catalogue's pictures were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.errors import ImageError, InputError, NotFittedError, NotFoundError
from visrec.core.ids import IdMap
from visrec.core.protocols import ImageEncoder
from visrec.core.settings import ImageLimits
from visrec.encoders.registry import image_encoder
from visrec.workspace.settings import WorkspaceSettings

__all__ = ["PictureReader"]


class PictureReader:
    """Embeds picture files; keeps the encoder that it used last."""

    def __init__(self, root: Path, limits: ImageLimits) -> None:
        self._root = root
        self._limits = limits
        self._encoder: tuple[str, ImageEncoder] | None = None

    def examples(
        self, examples: Sequence[str | Path], item_ids: IdMap, settings: WorkspaceSettings
    ) -> tuple[list[int], list[npt.NDArray[np.float32]]]:
        """Items and picture files as rows: the pictures' rows follow those of the items.

        Args:
            examples: item ids (str) and files (Path).
            item_ids: the n_items items.
            settings: which feature set the pictures are embedded in.

        Returns:
            A row for each example, and the embeddings of the pictures, whose rows are n_items, n_items + 1, …

        Raises:
            NotFoundError: for an unknown item; and as in `embed`.
        """
        rows: list[int] = []
        pictures: list[npt.NDArray[np.float32]] = []
        for example in examples:
            if isinstance(example, Path):
                rows.append(len(item_ids) + len(pictures))
                pictures.append(self.embed(example, settings))
            elif example in item_ids:
                rows.append(item_ids.index(example))
            else:
                raise NotFoundError(f"There is no item {example!r} in {self._root}.")
        return rows, pictures

    def embed(self, file: Path, settings: WorkspaceSettings) -> npt.NDArray[np.float32]:
        """One picture in the feature set in use; float32 (dim,).

        Raises:
            NotFittedError: when no feature set is in use, or its encoder is another by now.
            NotFoundError: when there is no such file.
            InputError: when it is no picture that can be read.
        """
        from visrec.encoders.pipeline import encode_picture, read_picture

        if not settings.image_features:
            raise NotFittedError(f"{self._root} has no image features yet. Run: visrec encode {self._root}")
        if file.is_dir():
            raise InputError(f"Expected a picture file, got the folder {file}.")
        if not file.exists():
            raise NotFoundError(f"There is no file {file}.")
        try:
            data = read_picture(file, self._limits)
            return encode_picture(self._encoder_of(settings), data, self._limits)
        except ImageError as error:
            raise InputError(f"{file} cannot be used: {error}. Give a picture such as JPEG or PNG.") from error

    def _encoder_of(self, settings: WorkspaceSettings) -> ImageEncoder:
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
