import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import ImageError, InputError
from visrec.images.sheet import PAPER, TILE_GROUND, Section, Tile, contact_sheet

RED, BLUE = (200, 30, 20), (20, 40, 200)
MARGIN, GAP, TITLE, HEADING, CAPTION, NOTE = 28, 16, 46, 44, 21, 17


def _image(path, size, colour=RED):
    Image.new("RGB", size, colour).save(path)
    return path


def _sheet(sections, path, **options):
    contact_sheet(sections, path, **options)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.asarray(picture)


def _is(pixel, colour, tolerance=3):
    return bool(np.abs(pixel.astype(int) - colour).max() <= tolerance)


def test_size_and_places_of_tiles(tmp_path):
    red, blue = _image(tmp_path / "red.png", (100, 100)), _image(tmp_path / "blue.png", (300, 300), BLUE)
    section = Section("Liked", [Tile(red, "a"), Tile(blue, "b"), Tile(red, "c")])
    sheet = _sheet([section], tmp_path / "sheet.png", title="Sheet", columns=2, tile=100)
    row = 100 + CAPTION + GAP
    assert sheet.shape == (2 * MARGIN + TITLE + HEADING + 2 * row, 2 * MARGIN + 2 * 100 + GAP, 3)
    top = MARGIN + TITLE + HEADING
    assert _is(sheet[top + 50, MARGIN + 50], RED)
    assert _is(sheet[top + 50, MARGIN + 100 + GAP + 50], BLUE)
    assert _is(sheet[top + row + 50, MARGIN + 50], RED)
    assert _is(sheet[top + row + 50, MARGIN + 100 + GAP + 50], PAPER, 0)
    assert _is(sheet[top + 50, MARGIN + 100 + GAP // 2], PAPER, 0)


def test_pictures_of_another_shape_are_letterboxed(tmp_path):
    square = _image(tmp_path / "square.png", (80, 80))
    tall, wide = _image(tmp_path / "tall.png", (40, 80), BLUE), _image(tmp_path / "wide.png", (80, 40), BLUE)
    section = Section("", [Tile(square, ""), Tile(square, ""), Tile(square, ""), Tile(tall, ""), Tile(wide, "")])
    sheet = _sheet([section], tmp_path / "sheet.png", columns=5, tile=100)
    for tile, ground, picture in (
        (3, [(50, 20), (50, 80)], [(4, 50), (50, 30), (50, 70), (95, 50)]),
        (4, [(20, 50), (80, 50)], [(50, 4), (30, 50), (70, 50), (50, 95)]),
    ):
        left = MARGIN + tile * (100 + GAP)
        assert all(_is(sheet[MARGIN + y, left + x], TILE_GROUND, 0) for y, x in ground)
        assert all(_is(sheet[MARGIN + y, left + x], BLUE) for y, x in picture)


@pytest.mark.parametrize(
    ("size", "height"), [((100, 150), 150), ((100, 400), 150), ((200, 100), 75), ((100, 120), 120)]
)
def test_tiles_take_on_the_shape_of_most_pictures(tmp_path, size, height):
    picture = _image(tmp_path / "picture.png", size)
    sheet = _sheet([Section("", [Tile(picture, "")] * 3)], tmp_path / "sheet.png", columns=3, tile=100)
    assert sheet.shape[0] == 2 * MARGIN + height + CAPTION + GAP


def test_what_cannot_be_shown_gets_a_placeholder(tmp_path):
    empty, text = tmp_path / "empty.jpg", tmp_path / "text.jpg"
    empty.write_bytes(b"")
    text.write_text("this is not a picture")
    tiles = [
        Tile(None, "a"),
        Tile(tmp_path / "absent.jpg", "b"),
        Tile(empty, "c"),
        Tile(text, "d"),
        Tile(tmp_path, "e"),
    ]
    sheet = _sheet([Section("", tiles)], tmp_path / "sheet.png", columns=5, tile=120)
    shown = []
    for place in range(5):
        left = MARGIN + place * (120 + GAP)
        tile = sheet[MARGIN : MARGIN + 120, left : left + 120]
        assert _is(tile[12, 12], TILE_GROUND, 0)
        shares = np.unique(tile.reshape(-1, 3), axis=0, return_counts=True)[1] / (120 * 120)
        assert 0.8 < shares.max() < 0.97
        shown.append(tile.tobytes())
    # Each says its own reason: no picture, missing, empty, not an image, cannot be read.
    assert len(set(shown)) == 5


def test_errors_of_a_reader_of_ones_own_are_placeholders_too(tmp_path):
    def read(path):
        if path.name == "good":
            return Image.new("L", (10, 10), 77)
        raise ImageError("torn in two")

    tiles = [Tile(tmp_path / "good", ""), Tile(tmp_path / "bad", "")]
    sheet = _sheet([Section("", tiles)], tmp_path / "sheet.png", columns=2, tile=100, read=read)
    assert _is(sheet[MARGIN + 50, MARGIN + 50], (77, 77, 77), 0)
    assert _is(sheet[MARGIN + 10, MARGIN + 100 + GAP + 10], TILE_GROUND, 0)


def test_a_long_caption_stays_below_its_own_tile(tmp_path):
    section = Section("A heading " * 40, [Tile(None, "caption " * 40, "note " * 60), Tile(None, "", "")])
    sheet = _sheet([section], tmp_path / "sheet.png", title="Title " * 60, columns=2, tile=100)
    top = MARGIN + TITLE + HEADING + 100
    words = (sheet[top + 1 : top + CAPTION + NOTE] < 200).any(axis=(0, 2))
    assert words[MARGIN : MARGIN + 100].sum() > 60
    assert not words[MARGIN + 100 :].any()
    assert (sheet[: MARGIN + TITLE + HEADING, -MARGIN + 2 :] == 255).all()


def test_notes_are_paler_than_captions_and_take_a_row_of_their_own(tmp_path):
    plain = _sheet([Section("", [Tile(None, "HHHH")])], tmp_path / "plain.png", columns=1, tile=100)
    noted = _sheet([Section("", [Tile(None, "HHHH", "HHHH")])], tmp_path / "noted.png", columns=1, tile=100)
    assert noted.shape[0] == plain.shape[0] + NOTE
    caption = noted[MARGIN + 100 + 2 : MARGIN + 100 + CAPTION].min()
    note = noted[MARGIN + 100 + CAPTION + 1 : MARGIN + 100 + CAPTION + NOTE].min()
    assert caption < 60 < 100 < note


def test_an_empty_section_says_so(tmp_path):
    sheet = _sheet([Section("Nothing liked yet", [])], tmp_path / "sheet.png", columns=3, tile=100)
    assert sheet.shape[0] == 2 * MARGIN + HEADING + CAPTION + GAP
    assert (sheet[MARGIN + HEADING :] < 200).any()


def test_characters_without_a_font_are_replaced_openly(tmp_path):
    never = "\U0010fffe"
    tile = Tile(None, f"a {never}")
    with_footer = _sheet([Section("", [tile])], tmp_path / "never.png", columns=3, tile=100)
    question = _sheet([Section("", [Tile(None, "a ?")])], tmp_path / "question.png", columns=3, tile=100)
    assert with_footer.shape[0] > question.shape[0]
    row = slice(MARGIN + 100, MARGIN + 100 + CAPTION)
    assert (with_footer[row] == question[row]).all()
    assert (with_footer[question.shape[0] - MARGIN :] < 200).any()


def test_the_same_sheet_has_the_same_bytes(tmp_path):
    picture = _image(tmp_path / "red.png", (50, 70))
    section = Section("A", [Tile(picture, "caption", "note")])
    for name in ("first.png", "second.png"):
        contact_sheet([section], tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_wrong_arguments_are_refused_and_write_nothing(tmp_path):
    one = [Section("", [Tile(None, "")])]
    for sections, options in (([], {}), (one, {"columns": 0}), (one, {"tile": 47})):
        with pytest.raises(InputError, match="1 or more sections"):
            contact_sheet(sections, tmp_path / "sheet.png", **options)
    with pytest.raises(InputError, match=r'named "….png", got "sheet.jpg"'):
        contact_sheet(one, tmp_path / "sheet.jpg")
    with pytest.raises(InputError, match="Show fewer tiles"):
        contact_sheet([Section("", [Tile(None, "")] * 500)], tmp_path / "sheet.png", columns=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.realdata
def test_posters_give_tall_tiles(real_data, tmp_path):
    posters = sorted((real_data / "ml100k-posters" / "images").iterdir())[:12]
    sheet = _sheet([Section("Posters", [Tile(path, path.stem) for path in posters])], tmp_path / "sheet.png", tile=100)
    assert 2 * 130 < sheet.shape[0] - 2 * MARGIN - HEADING - 2 * (CAPTION + GAP) <= 2 * 150


def test_a_share_is_a_bar_and_colours_are_swatches(tmp_path):
    picture = _image(tmp_path / "a.png", (100, 100))
    tiles = [Tile(picture, "a")]
    sections = [Section("x", tiles, share, [RED, BLUE]) for share in (0.0, 0.5, 1.0)]
    sheet = _sheet(sections, tmp_path / "sheet.png", columns=6, tile=100)
    tops = [MARGIN + number * (HEADING + 100 + CAPTION + GAP) for number in range(3)]
    bars = [sheet[top + 16, -MARGIN - 240 : -MARGIN] for top in tops]
    filled = [int((bar.max(axis=1) < 180).sum()) for bar in bars]
    assert filled[0] == 0
    assert filled[1] == pytest.approx(120, abs=3)
    assert filled[2] == pytest.approx(240, abs=3)
    assert not any(_is(pixel, PAPER) for pixel in bars[0][4:-4])
    line = sheet[tops[0] + 16, MARGIN:200]
    assert sum(_is(pixel, RED) for pixel in line) == pytest.approx(15, abs=2)
    assert sum(_is(pixel, BLUE) for pixel in line) == pytest.approx(15, abs=2)
    plain = _sheet([Section("x", tiles)], tmp_path / "plain.png", columns=6, tile=100)
    assert not _is(plain[MARGIN + 16, 400], PAPER, 0)
    assert _is(plain[MARGIN + 20, 400], PAPER, 0)
