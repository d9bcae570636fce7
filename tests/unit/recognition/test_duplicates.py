from __future__ import annotations

from unittest import mock

import numpy as np

from visrec.recognition.duplicates import SAME_PIXELS, likely_pairs, pixel_difference, thumbnail

from .drawn import article, flowers

RNG = np.random.default_rng(0)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_both_must_agree():
    hashes = np.array([0, 0b111, 0, 2**63 - 1], dtype=np.uint64)
    embeddings = unit(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0]], dtype=float))
    pairs, cosines = likely_pairs(hashes, embeddings, bits=3, cosine=0.9)
    assert pairs.tolist() == [[0, 1]]  # 2 looks otherwise, 3 has another hash
    np.testing.assert_allclose(cosines, 1 / np.sqrt(1.01), rtol=1e-5)


def test_pairs_are_those_of_a_plain_loop_however_the_strips_are_cut():
    hashes = RNG.integers(0, 2**8, 90).astype(np.uint64)
    embeddings = unit(RNG.normal(size=(90, 3)))
    expected = [
        [one, two]
        for one in range(90)
        for two in range(one + 1, 90)
        if (bits := int(hashes[one] ^ hashes[two]).bit_count()) <= 2
        and embeddings[one] @ embeddings[two] >= 0.5 + 0.02 * bits
    ]
    assert len(expected) > 20
    for size in (7, 512):
        with mock.patch("visrec.recognition.duplicates._AT_ONCE", size):
            pairs, cosines = likely_pairs(hashes, embeddings, bits=2, cosine=0.5)
        assert sorted(pairs.tolist()) == expected
        np.testing.assert_allclose(cosines, (embeddings[pairs[:, 0]] * embeddings[pairs[:, 1]]).sum(axis=1), rtol=1e-5)


def test_what_has_no_embedding_has_no_copies():
    pairs, _ = likely_pairs(np.zeros(4, dtype=np.uint64), np.zeros((4, 8), dtype=np.float32))
    assert pairs.shape == (0, 2)


def test_nothing_has_no_copies():
    pairs, cosines = likely_pairs(np.zeros(0, dtype=np.uint64), np.zeros((0, 8), dtype=np.float32))
    assert (pairs.shape, cosines.shape) == ((0, 2), (0,))


def test_copies_agree_in_their_pixels_and_colourways_do_not():
    picture = thumbnail(flowers(1))
    assert pixel_difference(picture, picture) == 0
    assert pixel_difference(picture, thumbnail(flowers(1).resize((240, 320)))) < SAME_PIXELS
    one, two = (thumbnail(article(colour)) for colour in ((40, 60, 120), (60, 90, 170)))
    assert pixel_difference(one, two) > SAME_PIXELS
