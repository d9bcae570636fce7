from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from visrec.images.lettering import Lettering, machine_fonts

NEVER = "\U0010fffe"


def _drawn(lettering, text, width=300):
    image = Image.new("L", (width, 40), 255).convert("RGB")
    lettering.write(ImageDraw.Draw(image), (5, 25), text, (0, 0, 0))
    return np.asarray(image)


def test_a_text_that_fits_is_left_alone_and_spaces_are_joined():
    lettering = Lettering(14)
    assert lettering.fit("Striped  vase\n ocean ", 500) == "Striped vase ocean"
    assert lettering.fit("", 10) == ""


def test_a_long_text_is_cut_at_the_last_character_that_fits():
    lettering = Lettering(14)
    text = "Striped vase of glazed stoneware"
    for width in range(30, 200, 7):
        cut = lettering.fit(text, width)
        kept = cut.removesuffix("…")
        assert cut.endswith("…") and text.startswith(kept)
        assert lettering.width(cut) <= width
        # One more character (or, after a word, its space and one more) would not have fitted.
        longer = text[: len(kept) + 2].rstrip() + "…"
        assert lettering.width(longer) > width


def test_the_ellipsis_follows_pixels_not_characters():
    lettering = Lettering(14)
    assert len(lettering.fit("i" * 80, 100)) > 2 * len(lettering.fit("W" * 80, 100))


def test_width_is_that_of_the_font():
    assert Lettering(14).width("Vase") == ImageFont.load_default(14).getlength("Vase")


def test_what_no_font_has_is_a_question_mark_and_is_reported():
    lettering = Lettering(14)
    assert (_drawn(lettering, "a b") == _drawn(Lettering(14), "a b")).all()
    assert not lettering.replaced
    assert (_drawn(lettering, f"a {NEVER}{NEVER}") == _drawn(Lettering(14), "a ??")).all()
    assert lettering.replaced


def test_a_broken_font_file_is_passed_over(tmp_path):
    broken = tmp_path / "NotoSansCJK-Regular.ttc"
    broken.write_bytes(b"no font")
    lettering = Lettering(14, [broken, tmp_path / "absent.ttf"])
    assert lettering.width("Vase") == Lettering(14).width("Vase")


def test_fonts_are_taken_by_preference_one_of_each_family(tmp_path):
    for name in ("b/wqy-zenhei.ttc", "a/NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "deep/er/malgun.ttf", "Other.ttf"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "NotoSans-Regular.txt").touch()
    found = machine_fonts([tmp_path, tmp_path / "absent"])
    assert [path.name for path in found] == ["DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "malgun.ttf"]
    assert machine_fonts([tmp_path / "absent"]) == []


def _fallback_for(character: str) -> Path:
    for path in machine_fonts():
        font = ImageFont.truetype(path, 14)
        if bytes(font.getmask(character)) != bytes(font.getmask(NEVER)):
            return path
    pytest.skip(f"no font of this machine has {character}")


@pytest.mark.parametrize("word", ["café", "Жук", "花瓶"])
def test_a_word_that_pillows_font_lacks_is_drawn_whole_in_one_that_has_it(word):
    path = _fallback_for(max(word))
    lettering = Lettering(14, machine_fonts())
    font = ImageFont.truetype(path, 14)
    assert lettering.width(word) == pytest.approx(font.getlength(word))
    expected = Image.new("RGB", (300, 40), (255, 255, 255))
    ImageDraw.Draw(expected).text((5, 25), word, fill=(0, 0, 0), font=font, anchor="ls")
    assert (_drawn(lettering, word) == np.asarray(expected)).all()
    assert not lettering.replaced
    assert lettering.width(f"Vase {word}") == pytest.approx(Lettering(14).width("Vase ") + font.getlength(word), abs=3)
