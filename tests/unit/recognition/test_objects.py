from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from visrec.core.protocols import EncoderInfo
from visrec.encoders.efficientnet_lite import imagenet_classifier
from visrec.encoders.registry import image_encoder
from visrec.encoders.weight_table import find_weight
from visrec.encoders.weights import fetch
from visrec.recognition.objects import ImageNetClasses, Objects

SOURCE = EncoderInfo("toy", "image", 1000, "", {}, "", "")


@pytest.fixture(scope="module")
def classes():
    return ImageNetClasses()


@pytest.fixture
def objects():
    """A network whose embedding is its logits."""
    return Objects(SOURCE, lambda: (np.eye(1000, dtype=np.float32), np.zeros(1000, dtype=np.float32)))


def said(objects, logits):
    columns = objects.words(objects.measure(np.asarray(logits, dtype=np.float32)))
    assert tuple(column.name for column in columns) == objects.names
    return [{column.name: column.of(row)[0] for column in columns if column.of(row)} for row in range(len(logits))]


def test_the_table_is_that_of_ilsvrc(classes):
    assert len(classes.names) == len(set(classes.names)) == 1000
    # Known places of the published order.
    for place, name in {
        0: "tench",
        207: "golden retriever",
        281: "tabby",
        559: "folding chair",
        999: "toilet tissue",
    }.items():
        assert classes.names[place] == name


@pytest.mark.parametrize(
    ("name", "group", "kind"),
    [
        ("golden retriever", "dog", "animal"),
        ("ptarmigan", "bird", "animal"),
        ("folding chair", "seat", "furniture"),
        ("dining table", "table", "furniture"),
        ("sandal", "footwear", "clothing"),
        ("bra", "underwear", "clothing"),
        ("T-shirt", "shirt", "clothing"),
        ("sunglasses", "eyewear", "accessory"),
        ("backpack", "bag", "accessory"),
        ("banana", "fruit", "food"),
        ("espresso", "drink", "food"),
        ("fire engine", "truck", "vehicle"),
        ("alp", "mountain", "landscape"),
        ("acoustic guitar", "musical instrument", "equipment"),
        ("castle", "other structure", "building"),
    ],
)
def test_the_hierarchy_says_what_a_reader_would(classes, name, group, kind):
    place = classes.names.index(name)
    assert (classes.groups[classes.group_of[place]], classes.kinds[classes.kind_of[place]]) == (group, kind)


def test_every_group_has_one_kind(classes):
    for group in range(len(classes.groups)):
        assert len(np.unique(classes.kind_of[classes.group_of == group])) == 1


def test_probabilities_are_a_softmax_with_temperature(objects):
    logits = np.random.default_rng(0).normal(0, 3, (4, 1000))
    expected = np.exp(logits / 0.9) / np.exp(logits / 0.9).sum(axis=1, keepdims=True)
    measured = objects.measure(logits.astype(np.float32))
    np.testing.assert_array_equal(measured[:, :5], np.argsort(-expected, axis=1)[:, :5])
    np.testing.assert_allclose(measured[:, 5:10], -np.sort(-expected, axis=1)[:, :5], rtol=1e-4)
    for part in (measured[:, 10 : 10 + len(ImageNetClasses().groups)], measured[:, -len(ImageNetClasses().kinds) :]):
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-5)


def test_a_sure_class_is_said_with_all_that_is_above_it(objects, classes):
    logits = np.zeros((1, 1000))
    logits[0, classes.names.index("folding chair")] = 20
    (found,) = said(objects, logits)
    assert {name: attribute.value for name, attribute in found.items()} == {
        "object": "folding chair",
        "group": "seat",
        "kind": "furniture",
    }
    assert all(attribute.confidence > 0.99 for attribute in found.values())


def test_dogs_that_cannot_be_told_apart_are_dogs(objects, classes):
    logits = np.full((1, 1000), -5.0)
    logits[0, classes.group_of == classes.groups.index("dog")] = 5
    (found,) = said(objects, logits)
    assert "object" not in found
    assert found["group"].value == "dog"
    assert found["kind"].value == "animal"
    assert found["group"].confidence == pytest.approx(1, abs=0.01)


def test_no_idea_is_no_word(objects):
    (found,) = said(objects, np.zeros((1, 1000)))
    assert "object" not in found
    assert "group" not in found


def test_no_pictures_have_no_words(objects):
    for column in objects.words(objects.measure(np.zeros((0, 1000), dtype=np.float32))):
        assert len(column.row) == 0


def test_the_last_layer_and_our_graph_are_the_whole_network():
    from efficientnet_lite_pytorch import EfficientNet

    torch = pytest.importorskip("torch")
    weights = fetch(find_weight("efficientnet-lite0"))
    encoder = image_encoder("efficientnet-lite0")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))
    pixels = encoder.preprocess(picture)[None]
    weight, bias = imagenet_classifier()
    reference = EfficientNet.from_name("efficientnet-lite0").eval()
    reference.load_state_dict(torch.load(weights.files[0], weights_only=True))
    with torch.no_grad():
        expected = reference(torch.from_numpy((pixels.astype(np.float32).transpose(0, 3, 1, 2) - 127) / 128)).numpy()
    np.testing.assert_allclose(encoder.embed(pixels) @ weight.T + bias, expected, atol=1e-3)
