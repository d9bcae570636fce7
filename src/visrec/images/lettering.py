"""Text on contact sheets: whatever fonts the machine has, and an open sign for what none of them can draw."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from PIL import ImageDraw, ImageFont

__all__ = ["Lettering", "font_folders", "machine_fonts"]

_FAMILIES = (
    # Letters of Latin, Greek and Cyrillic, which Pillow's own font has only in part.
    ("NotoSans-Regular.*", "DejaVuSans.ttf", "LiberationSans-Regular.*", "Arial.ttf", "segoeui.ttf", "Helvetica.ttc"),
    # Chinese, Japanese, Korean.
    (
        "NotoSansCJK*-Regular.*",
        "NotoSansCJK-*.ttc",
        "NotoSansSC*.*",
        "NotoSansTC*.*",
        "NotoSansJP*.*",
        "SourceHanSans*-Regular.*",
        "wqy-microhei.ttc",
        "wqy-zenhei.ttc",
        "DroidSansFallback*.ttf",
        "PingFang.ttc",
        "Hiragino Sans GB.ttc",
        "STHeiti Light.ttc",
        "Arial Unicode.ttf",
        "msyh.ttc",
        "simhei.ttf",
        "simsun.ttc",
        "unifont*.otf",
        "unifont*.ttf",
    ),
    ("NotoSansKR*.*", "NanumGothic.ttf", "malgun.ttf", "AppleSDGothicNeo.ttc"),
)
"""File names by preference; the first that is there is taken from each family."""
_FONT_FILES = (".ttf", ".otf", ".ttc")
_NEVER_A_CHARACTER = "\U0010ffff"
_ELLIPSIS = "…"


def font_folders() -> list[Path]:
    """Where this kind of machine keeps fonts."""
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", home / "AppData/Local/Microsoft/Windows/Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    return [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
    ]


def machine_fonts(folders: Sequence[Path] | None = None) -> list[Path]:
    """The fonts to fall back on, in order of preference: at most one for each family.

    Args:
        folders: where to look, subfolders included; None means `font_folders()`.
    """
    files = [
        Path(parent) / name
        for folder in (font_folders() if folders is None else folders)
        for parent, _, names in os.walk(folder)
        for name in sorted(names)
        if name.lower().endswith(_FONT_FILES)
    ]
    found = []
    for family in _FAMILIES:
        ranked = (file for wanted in family for file in files if fnmatch(file.name.lower(), wanted.lower()))
        found += [file for file in [next(ranked, None)] if file is not None]
    return found


#: What stays on one line: a word with the space behind it, or one character from CJK on with what closes it.
_PIECES = re.compile(r"[\u2e80-\uffef][，。；：、」』）”]*|[^\s\u2e80-\uffef]+\s*|\s+")


class Lettering:
    """Draws and measures text of one size: Pillow's own font first, the machine's fonts for what it lacks.

    Attributes:
        replaced: whether any text so far held a character that no font can draw; it was drawn as "?".
    """

    def __init__(self, size: int, fallbacks: Sequence[Path] = ()) -> None:
        """Open the fonts.

        Args:
            size: in pixels.
            fallbacks: font files, such as `machine_fonts()`; one that cannot be opened is passed over.
        """
        self.replaced = False
        self._fonts: list[ImageFont.FreeTypeFont | ImageFont.ImageFont] = [ImageFont.load_default(size)]
        for path in fallbacks:
            try:
                self._fonts.append(ImageFont.truetype(path, size))
            except OSError:
                # A damaged font on the machine must not cost the sheet; the next one may do.
                continue
        self._missing = [bytes(font.getmask(_NEVER_A_CHARACTER)) for font in self._fonts]
        self._known: dict[str, int | None] = {}

    def width(self, text: str) -> float:
        """Width of one line of text in pixels."""
        return sum(self._fonts[font].getlength(run) for font, run in self._runs(text))

    def fit(self, text: str, width: float) -> str:
        """The text, cut and ended with an ellipsis where it is wider than `width` pixels."""
        text = " ".join(text.split())
        if self.width(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(_cut(text, middle)) <= width else (low, middle - 1)
        return _cut(text, low)

    def can_draw(self, text: str) -> bool:
        """Whether some font has each of the characters."""
        return all(self._font_of(character) is not None for character in unicodedata.normalize("NFC", text))

    def wrap(self, text: str, width: float) -> list[str]:
        """The text in lines of at most `width` pixels, broken at spaces, and between characters of scripts without."""
        lines = [""]
        for piece in _PIECES.findall(" ".join(text.split())):
            if lines[-1] and self.width(lines[-1] + piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
        return [line.rstrip() for line in lines if line]

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: tuple[int, int, int]) -> None:
        """Draw one line of text; `at` is where its baseline starts."""
        x, y = at
        for font, run in self._runs(text):
            draw.text((x, y), run, fill=fill, font=self._fonts[font], anchor="ls")
            x += self._fonts[font].getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[int, str]]:
        """Neighbouring characters that one font draws; a word is not split between fonts if one font has it all."""
        for word in _words(unicodedata.normalize("NFC", text)):
            whole = next((font for font in range(len(self._fonts)) if all(self._has(font, c) for c in word)), None)
            if whole is not None:
                yield whole, word
                continue
            for character in word:
                font = self._font_of(character)
                self.replaced = self.replaced or font is None
                yield (0, "?") if font is None else (font, character)

    def _font_of(self, character: str) -> int | None:
        if character not in self._known:
            fonts = (font for font in range(len(self._fonts)) if self._has(font, character))
            self._known[character] = next(fonts, None)
        return self._known[character]

    def _has(self, font: int, character: str) -> bool:
        # Pillow does not tell which glyphs a font has; a glyph that looks like the one for "no such character" is it.
        return character.isspace() or bytes(self._fonts[font].getmask(character)) != self._missing[font]


def _words(text: str) -> list[str]:
    """Words, each with the space before it."""
    words: list[str] = []
    for character in text:
        if character == " " or not words:
            words.append(character)
        else:
            words[-1] += character
    return words


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip(" ,.;:-") + _ELLIPSIS
