"""Every kind of image that a catalogue may hold, good and bad."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from visrec.core.errors import ImageError
from visrec.core.settings import ImageLimits
from visrec.images.decode import decode, inspect

LIMITS = ImageLimits()


def picture(width: int = 40, height: int = 30) -> Image.Image:
    """Red left half, blue right half, a green first row: every turn and flip shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[: height // 5] = (0, 255, 0)
    return Image.fromarray(pixels)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels(data: bytes) -> np.ndarray:
    image = decode(data, LIMITS)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


def reason(data: bytes, limits: ImageLimits = LIMITS) -> str:
    """The reason with which both `inspect` and `decode` refuse."""
    with pytest.raises(ImageError) as inspected:
        inspect(data, limits)
    with pytest.raises(ImageError) as decoded:
        decode(data, limits)
    assert inspected.value.reason == decoded.value.reason
    return inspected.value.reason


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand: Pillow cannot write 16-bit colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_the_very_pixels(kind: str) -> None:
    data = saved(picture(), kind)
    assert np.array_equal(pixels(data), np.asarray(picture()))
    facts = inspect(data, LIMITS)
    assert (facts.width, facts.height, facts.format) == (40, 30, kind)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_formats_give_nearly_the_pixels(kind: str) -> None:
    data = saved(picture(), kind)
    assert np.abs(pixels(data) - np.asarray(picture())).mean() < 12
    assert inspect(data, LIMITS).format == kind
    assert inspect(data, LIMITS).notes == ()


def test_wrong_extension_is_read_by_content_and_noted() -> None:
    data = saved(picture(), "PNG")
    assert inspect(data, LIMITS, "shirt.jpg").notes == ("extension",)
    assert inspect(data, LIMITS, "shirt.PNG").notes == ()
    assert inspect(data, LIMITS).notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    undo = {
        2: 0,
        3: 3,
        4: 1,
        5: 5,
        6: 2,
        7: 6,
        8: 4,
    }  # the transpose that makes the stored picture from the upright one
    upright = picture()
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored, "PNG", exif=exif)
    assert np.array_equal(pixels(data), np.asarray(upright))
    facts = inspect(data, LIMITS)
    assert (facts.width, facts.height) == (40, 30)
    assert facts.notes == (("rotated",) if orientation > 1 else ())
    jpeg = decode(saved(stored.resize((stored.width * 8, stored.height * 8)), "JPEG", exif=exif), LIMITS, at_least=60)
    assert jpeg.size == (80, 60)


def test_nonsense_exif_does_not_lose_the_pixels() -> None:
    data = saved(picture(), "PNG", exif=b"Exif\x00\x00MM\x00\x2a\x00\x00")
    assert np.array_equal(pixels(data), np.asarray(picture()))


def test_transparent_parts_become_white() -> None:
    rgba = picture().convert("RGBA")
    rgba.putalpha(Image.fromarray(np.repeat([[255] * 20 + [0] * 20], 30, axis=0).astype(np.uint8)))
    data = saved(rgba, "PNG")
    assert pixels(data)[20, 5].tolist() == [255, 0, 0]
    assert pixels(data)[20, 35].tolist() == [255, 255, 255]
    assert inspect(data, LIMITS).notes == ("alpha on white",)


def test_half_transparent_black_is_middle_grey() -> None:
    data = saved(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG")
    assert pixels(data)[0, 0] == pytest.approx([127, 127, 127], abs=1)


def test_opaque_alpha_is_not_noted() -> None:
    assert inspect(saved(picture().convert("RGBA"), "PNG"), LIMITS).notes == ()


def test_grey_with_alpha() -> None:
    data = saved(Image.new("LA", (4, 4), (0, 0)), "PNG")
    assert pixels(data)[0, 0].tolist() == [255, 255, 255]


def test_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 1), 1)
    assert pixels(saved(image, "PNG"))[1, 1].tolist() == [200, 100, 50]
    assert inspect(saved(image, "PNG"), LIMITS).notes == ("palette",)
    data = saved(image, "PNG", transparency=0)
    assert pixels(data)[0, 0].tolist() == [255, 255, 255]
    assert pixels(data)[1, 1].tolist() == [200, 100, 50]
    assert inspect(data, LIMITS).notes == ("palette", "alpha on white")


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_bilevel(mode: str) -> None:
    image = Image.new(mode, (8, 8), 0)
    image.putpixel((3, 3), 255)
    data = saved(image, "PNG")
    assert pixels(data)[3, 3].tolist() == [255, 255, 255]
    assert pixels(data)[0, 0].tolist() == [0, 0, 0]


def test_cmyk_jpeg_is_not_inverted() -> None:
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)  # no cyan: red
    assert pixels(data)[8, 8] == pytest.approx([255, 0, 0], abs=6)
    assert inspect(data, LIMITS).notes == ("cmyk",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    values = np.array([[0, 256, 32768, 65535]], np.uint16)
    data = saved(Image.fromarray(values), kind)
    assert pixels(data)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert inspect(data, LIMITS).notes == ("16-bit",)


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    row = b"\x00" + struct.pack(">6H", 0xFF00, 0x8000, 0x0100, 0, 0xFFFF, 0x00FF)
    data = png(2, 1, 16, 2, row)
    assert pixels(data)[0].tolist() == [[255, 128, 1], [0, 255, 0]]
    assert inspect(data, LIMITS).notes == ("16-bit",)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 100.0, 255.0], [0, 100, 255]), ([-10.0, 0.0, 10.0], [0, 128, 255])],
)
def test_floating_point_grey(values: list[float], expected: list[int]) -> None:
    data = saved(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert pixels(data)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    others = [Image.new("RGB", (40, 30), "white"), Image.new("RGB", (40, 30), "black")]
    data = saved(picture(), kind, save_all=True, append_images=others, lossless=True)
    assert np.array_equal(pixels(data), np.asarray(picture()))
    assert "animated: first frame" in inspect(data, LIMITS).notes


def test_several_tiff_pages() -> None:
    data = saved(picture(), "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))])
    assert np.array_equal(pixels(data), np.asarray(picture()))
    assert inspect(data, LIMITS).notes == ("several pages: first page",)


def test_phone_picture_with_a_second_jpeg_inside() -> None:
    data = saved(picture(), "MPO", save_all=True, append_images=[picture()])
    facts = inspect(data, LIMITS, "phone.jpg")
    assert (facts.format, facts.notes) == ("MPO", ())
    assert pixels(data).shape == (30, 40, 3)


@pytest.mark.parametrize(
    ("size", "at_least", "expected"),
    [
        ((800, 600), 75, (100, 75)),
        ((800, 600), 76, (200, 150)),
        ((800, 600), None, (800, 600)),
        ((64, 48), 100, (64, 48)),
    ],
)
def test_draft_never_goes_below_what_is_needed(
    size: tuple[int, int], at_least: int | None, expected: tuple[int, int]
) -> None:
    assert decode(saved(picture(*size), "JPEG"), LIMITS, at_least=at_least).size == expected


def test_inspect_tells_the_full_size_of_a_jpeg() -> None:
    facts = inspect(saved(picture(801, 603), "JPEG"), LIMITS)
    assert (facts.width, facts.height) == (801, 603)


def test_empty_file() -> None:
    assert reason(b"") == "empty file"


@pytest.mark.parametrize(
    "data", [b"<html>404</html>", b"P5 is a text, not a picture", b"\x00" * 100, b"%PDF-1.4 x", b"GI"]
)
def test_not_an_image(data: bytes) -> None:
    assert reason(data) == "not an image"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("keep", [0.2, 0.6, 0.9])
def test_cut_files_are_refused(kind: str, keep: float) -> None:
    data = saved(noise(120, 90), kind)
    assert reason(data[: int(len(data) * keep)]) in {"truncated", "damaged"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_cut_file_is_called_truncated(kind: str) -> None:
    data = saved(noise(120, 90), kind)
    assert reason(data[: len(data) * 2 // 3]) == "truncated"


def test_broken_compression_in_a_png_is_damage() -> None:
    data = bytearray(saved(noise(120, 90), "PNG"))
    start = data.index(b"IDAT") + 4
    data[start : start + 2] = b"\xff\xff"  # no zlib header
    assert reason(bytes(data)) == "damaged"


def test_overwritten_bytes_in_a_png_are_damage() -> None:
    smooth = Image.radial_gradient("L").convert("RGB")
    data = bytearray(saved(smooth, "PNG"))
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff" * 200
    assert reason(bytes(data)) == "damaged"


def test_more_pixels_than_allowed_are_refused_before_decoding() -> None:
    bomb = png(50_000, 50_000, 8, 2, b"")  # claims 7.5 GB, holds nothing: decoding it would say "truncated"
    assert reason(bomb) == "too many pixels"
    assert reason(saved(picture(), "PNG"), ImageLimits(max_pixels=1199)) == "too many pixels"
    assert inspect(saved(picture(), "PNG"), ImageLimits(max_pixels=1200)).width == 40


def test_the_limit_may_be_above_pillows_own() -> None:
    data = saved(Image.new("1", (14_000, 14_000)), "PNG")  # 196 megapixels; Pillow alone would refuse
    assert inspect(data, ImageLimits(max_pixels=200_000_000)).height == 14_000


def test_more_bytes_than_allowed() -> None:
    data = saved(picture(), "PNG")
    assert reason(data, ImageLimits(max_bytes=len(data) - 1)) == "too many bytes"
    assert inspect(data, ImageLimits(max_bytes=len(data))).width == 40


def test_pillows_global_settings_are_untouched() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    reason(png(50_000, 50_000, 8, 2, b""))
    decode(saved(picture(), "JPEG"), LIMITS, at_least=8)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == before


_SEEDS = [saved(noise(24, 18), kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000")]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(_SEEDS), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damage_anywhere_never_raises_anything_else(seed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for position, value in changes:
        data[position % len(data)] = value
    try:
        assert decode(bytes(data), ImageLimits(max_pixels=1_000_000)).mode == "RGB"
    except ImageError as error:
        assert error.reason in {"truncated", "damaged", "not an image", "too many pixels"}
