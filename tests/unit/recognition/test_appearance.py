from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from visrec.core.settings import ImageLimits
from visrec.images.decode import decode
from visrec.recognition.appearance import Appearance
from visrec.recognition.colours import adapt_to_ground

from .drawn import article, checks, dots, flowers, on_paper, plain, stripes


@pytest.fixture(scope="module")
def recognizer():
    return Appearance()


def see(recognizer, *pictures):
    """Attribute -> what each picture has."""
    columns = recognizer.words(recognizer.embed(np.stack([recognizer.preprocess(picture) for picture in pictures])))
    assert tuple(column.name for column in columns) == recognizer.names
    return {column.name: [column.of(row) for row in range(len(pictures))] for column in columns}


def test_the_article_is_named_and_not_the_paper(recognizer):
    seen = see(
        recognizer, article((25, 35, 80)), article((190, 25, 35)), article((245, 245, 245), ground=(225, 225, 225))
    )
    assert [found[0].value for found in seen["colour"]] == ["navy", "red", "white"]
    assert all(found[0].confidence > 0.6 for found in seen["colour"])


def test_shares_are_those_that_were_drawn(recognizer):
    picture = article((190, 25, 35), size=(96, 96), box=(0, 0, 1, 1))
    picture.paste((20, 20, 20), (0, 0, 96, 24))
    (colours,) = see(recognizer, picture)["colours"]
    assert [found.value for found in colours] == ["red", "black"]
    assert [found.amount for found in colours] == pytest.approx([0.75, 0.25], abs=0.06)


def test_a_black_article_stays_black_and_a_dim_white_one_is_white(recognizer):
    dim = (205, 203, 200)
    seen = see(recognizer, article((22, 22, 24)), article((219, 218, 216), ground=dim))
    assert [found[0].value for found in seen["colour"]] == ["black", "white"]


def test_adapting_makes_paper_white_and_leaves_other_grounds_alone():
    colours = np.array([[[90.0, 2.0, 4.0], [30.0, 20.0, 5.0]]] * 2, dtype=np.float32)
    ground = np.array([[90.0, 2.0, 4.0], [40.0, 30.0, 10.0]], dtype=np.float32)
    adapted = adapt_to_ground(colours, ground)
    np.testing.assert_allclose(adapted[0, 0], [96, 0, 0], atol=1e-3)
    np.testing.assert_array_equal(adapted[1], colours[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (400, 400)])
def test_every_size_of_one_colour_has_that_colour(recognizer, size):
    seen = see(recognizer, plain((20, 30, 70), size))
    assert [found.value for found in seen["colour"][0]] == ["navy"]
    assert seen["colours"][0][0].amount == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("cloth", "pattern"),
    [
        (plain((30, 60, 140), (120, 160)), "plain"),
        (stripes(8), "striped"),
        (stripes(20, upright=True), "striped"),
        (checks(24), "checked"),
        (checks(30), "checked"),
        (dots(18, 5), "dotted"),
        (dots(30, 8), "dotted"),
        (flowers(1), "busy"),
        (flowers(2), "busy"),
    ],
)
def test_patterns_in_a_word(recognizer, cloth, pattern):
    (found,) = see(recognizer, on_paper(cloth))["pattern"][0]
    assert found.value == pattern
    assert found.confidence > 0.5


def test_a_pattern_that_cannot_be_seen_is_not_said(recognizer):
    seen = see(recognizer, plain((30, 60, 140), (2, 3)))
    assert seen["pattern"] == seen["aspect"] == seen["parts"] == [[]]


def test_the_hash_is_part_of_the_measurement(recognizer):
    measured = recognizer.embed(np.stack([recognizer.preprocess(picture) for picture in (flowers(1), flowers(2))]))
    one, two = recognizer.hashes(measured).tolist()
    assert (one ^ two).bit_count() > 12


def test_transparent_parts_are_ground(recognizer):
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste((200, 20, 30, 255), (30, 30, 70, 70))
    file = io.BytesIO()
    picture.save(file, "PNG")
    seen = see(recognizer, decode(file.getvalue(), ImageLimits()))
    assert [found.value for found in seen["colours"][0]] == ["red"]


def test_words_do_not_depend_on_the_company(recognizer):
    pictures = [article((25, 35, 80)), plain((200, 30, 30)), article((90, 60, 40))]
    together = see(recognizer, *pictures)
    for place, picture in enumerate(pictures):
        alone = see(recognizer, picture)
        assert {name: found[0] for name, found in alone.items()} == {
            name: found[place] for name, found in together.items()
        }


def test_no_pictures_have_no_words(recognizer):
    for column in recognizer.words(np.zeros((0, recognizer.info.dim), dtype=np.float32)):
        assert len(column.row) == len(column.label) == len(column.confidence) == len(column.amount) == 0


def test_confidences_and_amounts_are_shares(recognizer):
    noise = np.random.default_rng(3).integers(0, 256, (20, 90, 70, 3), dtype=np.uint8)
    measured = recognizer.embed(np.stack([recognizer.preprocess(Image.fromarray(picture)) for picture in noise]))
    assert measured.dtype == np.float32
    assert measured.shape == (20, recognizer.info.dim)
    assert np.isfinite(measured).all()
    for column in recognizer.words(measured):
        assert ((column.confidence >= 0) & (column.confidence <= 1)).all()
        assert (np.diff(column.row) >= 0).all()
