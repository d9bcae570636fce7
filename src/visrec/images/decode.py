"""Image bytes to upright RGB pictures: the one decode path, for training and for serving alike.

The header is checked against the limits before a pixel is decoded, so that a small file cannot claim
gigabytes. Pillow's own bomb check is a global setting of the process; it is not used and not touched.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

from PIL import Image, ImageFile

from visrec.core.errors import ImageError
from visrec.core.settings import ImageLimits
from visrec.images.rgb import has_alpha, is_sixteen_bit, to_rgb

__all__ = ["FORMATS", "ImageFacts", "decode", "inspect"]

#: Formats that are tried, in this order. Only such as can be recognised by their first bytes and need no other program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")

_EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "MPO": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "PNG": {".png", ".apng"},
    "WEBP": {".webp"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
    "TIFF": {".tif", ".tiff"},
    "AVIF": {".avif"},
    "JPEG2000": {".jp2", ".j2k", ".jpx", ".jpf", ".jpc"},
    "PPM": {".ppm", ".pgm", ".pbm", ".pnm", ".pfm"},
}
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageFacts:
    """What is known of a readable image.

    Attributes:
        width: pixels, upright.
        height: pixels, upright.
        format: Pillow's name, such as "JPEG".
        notes: what had to be put right, such as "extension", "rotated", "cmyk", "palette", "16-bit",
            "alpha on white", "animated: first frame", "several pages: first page".
    """

    width: int
    height: int
    format: str
    notes: tuple[str, ...] = ()


def inspect(data: bytes, limits: ImageLimits, name: str | None = None) -> ImageFacts:
    """Prove that an image can be read to its end, and say what it is.

    Args:
        data: the whole file.
        limits: what is refused.
        name: the file's name; when given, an extension of another format is noted.

    Raises:
        ImageError: "empty file", "too many bytes", "not an image", "too many pixels", "truncated" or "damaged".
    """
    with _reading():
        image = _open(data, limits)
        width, height = image.size
        notes = _notes(image)
        if name is not None and PurePath(name).suffix.lower() not in _EXTENSIONS.get(str(image.format), set()):
            notes.insert(0, "extension")
        # The smallest scaled decode still reads the whole stream, at a third of the cost.
        image.draft(None, (1, 1))
        image.load()
        turn = _orientation(image)
        notes += ["rotated"] if turn in _UPRIGHT else []
        if has_alpha(image):
            notes.append("alpha on white")
        if turn in (5, 6, 7, 8):
            width, height = height, width
        return ImageFacts(width, height, str(image.format), tuple(notes))


def decode(data: bytes, limits: ImageLimits, at_least: int | None = None) -> Image.Image:
    """Decode an image to an upright picture of mode RGB.

    Animations give their first frame, transparent parts become white, 16-bit channels are scaled.

    Args:
        data: the whole file.
        limits: what is refused.
        at_least: the shorter side that is needed, in pixels. A JPEG may then be decoded at 1/2, 1/4 or 1/8 of its
            size, never below `at_least`. Embeddings are comparable only when made with the same value.

    Raises:
        ImageError: as `inspect`.
    """
    with _reading():
        image = _open(data, limits)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        turn = _orientation(image)
        picture = to_rgb(image)
        return picture.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else picture


@contextmanager
def _reading() -> Iterator[None]:
    """Turn whatever Pillow's parsers trip over into an `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("too many pixels", str(error)) from error
    except EOFError as error:
        raise ImageError("truncated", str(error)) from error
    # The parsers run on hostile bytes and raise nearly every built-in exception; none of them may stop a run.
    except Exception as error:
        cut_short = isinstance(error, struct.error) or "trunca" in str(error).lower()
        raise ImageError("truncated" if cut_short else "damaged", str(error)) from error


def _open(data: bytes, limits: ImageLimits) -> ImageFile.ImageFile:
    """Read the header and check it; no pixel is decoded yet."""
    if not data:
        raise ImageError("empty file")
    if len(data) > limits.max_bytes:
        raise ImageError("too many bytes", f"{len(data):,} bytes, at most {limits.max_bytes:,} are allowed")
    image = _parse_header(data)
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageError("too many pixels", f"{width} x {height}, at most {limits.max_pixels:,} are allowed")
    return image


def _parse_header(data: bytes) -> ImageFile.ImageFile:
    """`PIL.Image.open` without its process-wide pixel limit, which warns and raises on its own terms."""
    Image.init()
    problem: Exception | None = None
    for name in FORMATS:
        if name not in Image.OPEN:
            continue  # Pillow was built without this codec.
        factory, accept = Image.OPEN[name]
        if accept is None or accept(data[:16]) is not True:
            continue
        try:
            return factory(io.BytesIO(data), "")
        except (SyntaxError, ValueError, IndexError, TypeError, struct.error, EOFError, OSError) as error:
            # Two letters make a PPM header, so a text may look like one: only a whole header proves an image.
            problem = error if name != "PPM" else None
    if problem is not None:
        raise problem
    raise ImageError("not an image", f"its first bytes are none of {', '.join(FORMATS)}")


def _orientation(image: ImageFile.ImageFile) -> int:
    """EXIF orientation, 1 when there is none or the EXIF block is nonsense: the pixels are still good.

    To be called after `load`: looking for EXIF may load the pixels, and their errors must not be lost here.
    """
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, KeyError, TypeError, IndexError, OSError, struct.error, UserWarning):
        return 1
    return value if isinstance(value, int) else 1


def _notes(image: ImageFile.ImageFile) -> list[str]:
    notes = []
    if image.mode == "CMYK":
        notes.append("cmyk")
    if image.mode in ("P", "PA"):
        notes.append("palette")
    if is_sixteen_bit(image):
        notes.append("16-bit")
    if image.format != "MPO" and _has_more_frames(image):
        notes.append("several pages: first page" if image.format == "TIFF" else "animated: first frame")
    return notes


def _has_more_frames(image: ImageFile.ImageFile) -> bool:
    """Whether there is a second frame; a damaged second frame counts, for the first may be whole."""
    try:
        return bool(getattr(image, "is_animated", False))
    except (SyntaxError, ValueError, EOFError, OSError, IndexError, struct.error):
        return True
    finally:
        image.seek(0)
