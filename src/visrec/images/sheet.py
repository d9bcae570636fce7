"""Contact sheets: rows of captioned thumbnails under headings, as one PNG."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image, ImageDraw, ImageOps

from visrec.core.artifacts import write_atomic
from visrec.core.errors import ImageError, InputError
from visrec.core.settings import ImageLimits
from visrec.images.decode import decode
from visrec.images.lettering import Lettering, machine_fonts

__all__ = ["PAPER", "TILE_GROUND", "Section", "Tile", "contact_sheet"]

PAPER = (255, 255, 255)
"""Colour of the sheet."""
TILE_GROUND = (243, 241, 237)
"""Colour beside a picture that does not fill its tile."""
_INK = (38, 36, 33)
_MUTED = (128, 123, 115)
_RULE = (226, 222, 215)
_ICON = (196, 190, 181)

_MARGIN = 28
_GAP = 16
_CAPTION_ROW = 21
_NOTE_ROW = 17
_HEADING_ROW = 44
_TITLE_ROW = 46
_TEXT_ROW = 22
_FOOTER_ROW = 26
_RADIUS = 9
_SWATCH = 16
_BAR = 260
_TALLEST = 60_000


@dataclass(frozen=True)
class Tile:
    """One picture with its words.

    Attributes:
        image: picture file; None, or one that cannot be read, gives a placeholder.
        caption: one line below it, cut where it is too long.
        note: a second, quieter line, such as "visual 0.83".
    """

    image: Path | None
    caption: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Tiles under one heading.

    Attributes:
        title: the heading; none if empty.
        tiles: from left to right.
        share: drawn as a bar beside the heading, 0 empty to 1 full; None: a thin rule.
        colours: RGB of small swatches beside the heading.
    """

    title: str
    tiles: Sequence[Tile]
    share: float | None = None
    colours: Sequence[tuple[int, int, int]] = ()


@dataclass(frozen=True)
class _Layout:
    """Measures in pixels."""

    columns: int
    tile_width: int
    tile_height: int

    @property
    def width(self) -> int:
        return 2 * _MARGIN + self.columns * self.tile_width + (self.columns - 1) * _GAP

    def row_height(self, section: Section) -> int:
        notes = any(entry.note for entry in section.tiles)
        return self.tile_height + _CAPTION_ROW + (_NOTE_ROW if notes else 0) + _GAP

    def height(self, section: Section) -> int:
        rows = -(-len(section.tiles) // self.columns)
        heading = _HEADING_ROW if section.title else 0
        return heading + (rows * self.row_height(section) if rows else _CAPTION_ROW + _GAP)


@dataclass(frozen=True)
class _Fonts:
    title: Lettering
    heading: Lettering
    text: Lettering
    small: Lettering

    @property
    def replaced(self) -> bool:
        return any(font.replaced for font in (self.title, self.heading, self.text, self.small))


def contact_sheet(
    sections: Sequence[Section],
    path: Path,
    *,
    title: str = "",
    text: Sequence[str] = (),
    columns: int = 6,
    tile: int = 180,
    read: Callable[[Path], Image.Image] | None = None,
) -> None:
    """Draw a contact sheet and write it as PNG.

    Tiles are `tile` pixels wide; their height follows the middling shape of the pictures, from 0.75 (landscape) to
    1.5 (posters) times the width. A picture of another shape is shown whole, on `TILE_GROUND`.

    Args:
        sections: from top to bottom; one without tiles says "nothing to show".
        path: where to write; its name ends in ".png".
        title: headline of the sheet; none if empty.
        text: paragraphs below the headline; one that no font on this machine can draw is left out.
        columns: tiles in a row, 1 or more.
        tile: width of a tile, 48 or more.
        read: opens a picture, raising `ImageError` or `OSError` where it cannot; None decodes as everywhere in visrec.

    Raises:
        InputError: when an argument is out of range, or the sheet would be too tall.
    """
    _check(sections, path, columns, tile)
    reader = read if read is not None else partial(_read, at_least=2 * tile)
    pictures = [[_thumbnail(entry.image, reader, tile) for entry in section.tiles] for section in sections]
    layout = _Layout(columns, tile, round(tile * _shape([one for row in pictures for one in row])))
    fallbacks = machine_fonts()
    fonts = _Fonts(*(Lettering(size, fallbacks) for size in (25, 18, 14, 12)))
    wide = layout.width - 2 * _MARGIN
    lines = [line for part in text if fonts.text.can_draw(part) for line in fonts.text.wrap(part, wide)]
    head = (_TITLE_ROW if title else 0) + (len(lines) * _TEXT_ROW + _GAP if lines else 0)
    height = 2 * _MARGIN + head + sum(layout.height(section) for section in sections)
    if height > _TALLEST:
        raise InputError(
            f"Expected a sheet of at most {_TALLEST} pixels in height, got {height}. Show fewer tiles, or more columns."
        )
    sheet = Image.new("RGB", (layout.width, height + _FOOTER_ROW), PAPER)
    _draw_head(sheet, title, lines, layout, fonts)
    _draw_all(sheet, _MARGIN + head, sections, pictures, layout, fonts)
    if fonts.replaced:
        text = fonts.small.fit('"?": no font on this machine can draw this character.', layout.width - 2 * _MARGIN)
        fonts.small.write(ImageDraw.Draw(sheet), (_MARGIN, height), text, _MUTED)
    else:
        sheet = sheet.crop((0, 0, layout.width, height))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomic(path, buffer.getvalue())


def _check(sections: Sequence[Section], path: Path, columns: int, tile: int) -> None:
    if path.suffix.lower() != ".png":
        raise InputError(f'Expected a sheet named "….png", got "{path.name}". Contact sheets are PNG files.')
    if not sections or columns < 1 or tile < 48:
        raise InputError(
            f"Expected 1 or more sections and columns and tiles of 48 pixels or more, "
            f"got {len(sections)} sections, {columns} columns and tiles of {tile} pixels."
        )


def _read(path: Path, at_least: int) -> Image.Image:
    return decode(path.read_bytes(), ImageLimits(), at_least)


def _thumbnail(path: Path | None, read: Callable[[Path], Image.Image], tile: int) -> Image.Image | str:
    """The picture at about the size of its tile, or why there is none."""
    if path is None:
        return "no picture"
    try:
        picture = read(path)
    except FileNotFoundError:
        return "file is missing"
    except ImageError as error:
        return error.reason
    except OSError:
        return "cannot be read"
    return ImageOps.contain(picture.convert("RGB"), (tile, round(tile * 1.5)), Image.Resampling.LANCZOS)


def _shape(pictures: Sequence[Image.Image | str]) -> float:
    """Height of all tiles for a width of 1."""
    shapes = [picture.height / picture.width for picture in pictures if not isinstance(picture, str)]
    return min(max(median(shapes), 0.75), 1.5) if shapes else 1.0


def _draw_head(sheet: Image.Image, title: str, lines: Sequence[str], layout: _Layout, fonts: _Fonts) -> None:
    draw, y = ImageDraw.Draw(sheet), _MARGIN
    if title:
        fonts.title.write(draw, (_MARGIN, y + 24), fonts.title.fit(title, layout.width - 2 * _MARGIN), _INK)
        y += _TITLE_ROW
    for line in lines:
        fonts.text.write(draw, (_MARGIN, y + 15), line, _INK)
        y += _TEXT_ROW


def _draw_all(
    sheet: Image.Image,
    y: int,
    sections: Sequence[Section],
    pictures: Sequence[Sequence[Image.Image | str]],
    layout: _Layout,
    fonts: _Fonts,
) -> None:
    for section, row in zip(sections, pictures, strict=True):
        _draw_section(sheet, y, section, row, layout, fonts)
        y += layout.height(section)


def _draw_section(
    sheet: Image.Image, y: int, section: Section, pictures: Sequence[Image.Image | str], layout: _Layout, fonts: _Fonts
) -> None:
    draw = ImageDraw.Draw(sheet)
    if section.title:
        _draw_heading(draw, y, section, layout, fonts)
        y += _HEADING_ROW
    if not section.tiles:
        fonts.text.write(draw, (_MARGIN, y + 15), "nothing to show", _MUTED)
    for place, (entry, picture) in enumerate(zip(section.tiles, pictures, strict=True)):
        row, column = divmod(place, layout.columns)
        at = (_MARGIN + column * (layout.tile_width + _GAP), y + row * layout.row_height(section))
        _draw_tile(sheet, at, entry, picture, layout, fonts)


def _draw_heading(draw: ImageDraw.ImageDraw, y: int, section: Section, layout: _Layout, fonts: _Fonts) -> None:
    swatches = len(section.colours) * (_SWATCH + 4)
    least = 40 if section.share is None else _BAR
    heading = fonts.heading.fit(section.title, layout.width - 2 * _MARGIN - swatches - least)
    fonts.heading.write(draw, (_MARGIN, y + 22), heading, _INK)
    x = _MARGIN + round(fonts.heading.width(heading)) + 14
    for colour in section.colours:
        draw.rounded_rectangle((x, y + 16 - _SWATCH // 2, x + _SWATCH, y + 16 + _SWATCH // 2), 3, colour, _RULE)
        x += _SWATCH + 4
    end = layout.width - _MARGIN
    if section.share is None:
        draw.line((x, y + 16, end, y + 16), fill=_RULE)
        return
    # Bars of all sections begin and end at the same place: their lengths can be compared.
    x = end - _BAR + 20
    draw.rounded_rectangle((x, y + 12, end, y + 20), 4, _RULE)
    if section.share > 0:
        draw.rounded_rectangle((x, y + 12, x + max(8, round((end - x) * min(section.share, 1.0))), y + 20), 4, _MUTED)


def _draw_tile(
    sheet: Image.Image,
    at: tuple[int, int],
    entry: Tile,
    picture: Image.Image | str,
    layout: _Layout,
    fonts: _Fonts,
) -> None:
    x, y = at
    width, height = layout.tile_width, layout.tile_height
    card = Image.new("RGB", (width, height), TILE_GROUND)
    if isinstance(picture, str):
        _draw_placeholder(card, picture, fonts.small)
    else:
        shown = ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
        card.paste(shown, ((width - shown.width) // 2, (height - shown.height) // 2))
    # The card lies on a darker one, a pixel larger: a white picture on white paper would have no edge without it.
    sheet.paste(_RULE, (x, y, x + width, y + height), _rounded_mask(width, height, _RADIUS))
    inner = card.crop((1, 1, width - 1, height - 1))
    sheet.paste(inner, (x + 1, y + 1), _rounded_mask(width - 2, height - 2, _RADIUS - 1))
    draw = ImageDraw.Draw(sheet)
    fonts.text.write(draw, (x + 2, y + height + 17), fonts.text.fit(entry.caption, width - 4), _INK)
    if entry.note:
        note = fonts.small.fit(entry.note, width - 4)
        fonts.small.write(draw, (x + 2, y + height + _CAPTION_ROW + 12), note, _MUTED)


def _rounded_mask(width: int, height: int, radius: int, fine: int = 4) -> Image.Image:
    mask = Image.new("L", (width * fine, height * fine))
    edges = (0, 0, width * fine - 1, height * fine - 1)
    ImageDraw.Draw(mask).rounded_rectangle(edges, radius * fine, fill=255)
    return mask.reduce(fine)


def _draw_placeholder(card: Image.Image, reason: str, font: Lettering) -> None:
    """A framed landscape in outline, and the reason below it."""
    draw = ImageDraw.Draw(card)
    size = min(card.size) / 5
    x, y = card.width / 2, card.height / 2 - size * 0.35
    frame = (x - size, y - size * 0.75, x + size, y + size * 0.75)
    draw.rounded_rectangle(frame, size * 0.15, outline=_ICON, width=2)
    draw.ellipse((x + size * 0.3, y - size * 0.45, x + size * 0.6, y - size * 0.15), fill=_ICON)
    hills = [(-0.75, 0.5), (-0.25, -0.25), (0.15, 0.3), (0.4, 0.05), (0.75, 0.5)]
    draw.polygon([(x + size * across, y + size * down) for across, down in hills], fill=_ICON)
    text = font.fit(reason, card.width - 12)
    font.write(draw, (x - font.width(text) / 2, y + size * 0.75 + 20), text, _MUTED)
