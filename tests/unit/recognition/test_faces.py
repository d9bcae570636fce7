from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from visrec.recognition.faces import Faces, find_faces


def maps(*faces, side=128):
    """Maps (5, side, side) with faces given as (row, column, likelihood, height, width in pixels)."""
    made = np.zeros((5, side, side), dtype=np.float32)
    for row, column, likely, height, width in faces:
        made[:, row, column] = likely, np.log(height / 4), np.log(width / 4), 0.25, -0.5
    return made


def recognizer(network=None):
    return Faces(lambda: network, "0" * 64, "MIT", "nowhere")


def test_a_box_by_hand():
    boxes, likely = find_faces(maps((10, 20, 0.9, 40, 32)))
    # Centre (10 + .25 + .5) * 4 = 43 down and (20 - .5 + .5) * 4 = 80 to the right.
    np.testing.assert_allclose(boxes, [[23, 64, 63, 96]], atol=1e-4)
    assert likely.tolist() == pytest.approx([0.9])


def test_boxes_of_one_face_are_one():
    boxes, likely = find_faces(maps((10, 10, 0.7, 40, 40), (11, 10, 0.9, 40, 40), (60, 60, 0.8, 40, 40)))
    assert likely.tolist() == pytest.approx([0.9, 0.8])
    assert len(boxes) == 2


def test_what_is_unlikely_is_no_face():
    boxes, likely = find_faces(maps((10, 10, 0.09, 40, 40)))
    assert (boxes.shape, likely.shape) == ((0, 4), (0,))


def measured(*likelihoods):
    row = np.zeros((1, 21), dtype=np.float32)
    row[0, : len(likelihoods)] = likelihoods
    return row


@pytest.mark.parametrize(
    ("likelihoods", "value", "confidence", "count"),
    [
        ((), "none", 1.0, 0),
        ((0.2,), "none", 0.8, 0),
        ((0.9,), "one", 0.9, 1),
        ((0.9, 0.2), "one", 0.9 * 0.8 + 0.1 * 0.2, 1),
        ((0.9, 0.8), "several", 0.72, 2),
        ((0.9, 0.8, 0.7), "several", 1 - 0.006 - (0.054 + 0.024 + 0.014), 3),
    ],
)
def test_words(likelihoods, value, confidence, count):
    (column,) = recognizer().words(measured(*likelihoods))
    (found,) = column.of(0)
    assert (found.name, found.value, found.amount) == ("faces", value, count)
    assert found.confidence == pytest.approx(confidence, abs=1e-5)


def test_a_picture_keeps_its_shape_in_the_square():
    square = recognizer().preprocess(Image.new("RGB", (100, 50), (9, 8, 7)))
    assert square.shape == (512, 512, 3)
    assert (square[:256] == (9, 8, 7)).all()
    assert not square[256:].any()


def test_pictures_are_measured_one_by_one():
    seen = []

    def network(batch):
        seen.append(batch)
        # A face where the picture is white.
        return maps(*([(10, 10, 0.9, 64, 32)] if batch.max() == 255 else []))[None]

    faces = recognizer(network)
    pictures = [faces.preprocess(Image.new("RGB", (40, 40), (shade,) * 3)) for shade in (255, 0)]
    both = faces.embed(np.stack(pictures))
    assert both.shape == (2, faces.info.dim)
    assert both[0, 0] == pytest.approx(0.9)
    assert both[0, -1] == pytest.approx(64 * 32 / 512**2, rel=1e-4)
    assert not both[1].any()
    assert [(batch.shape, batch.dtype) for batch in seen] == [((1, 3, 512, 512), np.float32)] * 2
