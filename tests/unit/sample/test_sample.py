import csv
import hashlib
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import InputError, NotFoundError
from visrec.sample import Taste, draw_shop, read_looks, read_truth


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return draw_shop(tmp_path_factory.mktemp("shop"), n_items=126, n_users=120, seed=7)


@pytest.fixture(scope="module")
def events(shop):
    return _rows(shop.interactions)


@pytest.fixture(scope="module")
def pictures(shop):
    """item id -> uint8 (224, 224, 3)"""
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(shop.images.iterdir())}


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _hashes(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path):
    small = {"n_items": 42, "n_users": 6}
    for name, seed in (("first", 3), ("second", 3), ("third", 4)):
        draw_shop(tmp_path / name, **small, seed=seed)
    first, second, third = (_hashes(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert len(first) == 42 + 5
    assert all(first[name] != digest for name, digest in third.items() if name in first)


def test_counts_and_pictures(shop, events):
    items = _rows(shop.items)
    assert list(items[0]) == ["item_id", "title", "category", "colour", "pattern", "price", "description"]
    assert len({item["item_id"] for item in items}) == shop.n_items == 126
    assert {path.name for path in shop.images.iterdir()} == {f"{item['item_id']}.jpg" for item in items}
    for path in shop.images.iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (224, 224))
    assert len(events) == shop.n_events
    per_user = Counter(event["user_id"] for event in events)
    assert set(per_user) == set(read_truth(shop.folder)) == {f"customer-{number:03d}" for number in range(1, 121)}
    assert 18 < np.mean(list(per_user.values())) < 35
    assert max(per_user.values()) > 2 * min(per_user.values())
    assert {event["item_id"] for event in events} <= {item["item_id"] for item in items}
    assert "simulated" in (shop.folder / "README.txt").read_text()
    assert all(float(item["price"]) > 0 for item in items)


def test_ids_only_survive_as_strings(shop):
    ids = [item["item_id"] for item in _rows(shop.items)]
    assert any(identifier.isdigit() and identifier.startswith("0") for identifier in ids)
    assert any("." in identifier for identifier in ids)


def test_events_come_in_a_plausible_order(events):
    times = [int(event["timestamp"]) for event in events]
    assert times == sorted(times)
    assert 120 < (times[-1] - times[0]) / 86_400 < 181
    keys = {(event["user_id"], event["item_id"], event["kind"], event["timestamp"]) for event in events}
    assert len(keys) == len(events)
    done = defaultdict(set)
    for event in events:
        before = done[event["user_id"], event["item_id"]]
        needed = {"view": set(), "like": {"view"}, "cart": {"like"}, "buy": {"cart"}}.get(event["kind"], {"view"})
        assert needed <= before, event
        before.add(event["kind"])
    assert {event["kind"] for event in events} == {"view", "like", "cart", "buy", "skip", "dislike"}


def test_what_customers_like_is_their_true_taste_far_above_the_base_rate(shop, events):
    truth, looks = read_truth(shop.folder), read_looks(shop.folder)
    liked = [(truth[event["user_id"]], looks[event["item_id"]]) for event in events if event["kind"] == "like"]

    def lift(agrees):
        base = np.mean([agrees(taste, look) for taste in truth.values() for look in looks.values()])
        return np.mean([agrees(taste, look) for taste, look in liked]) / base

    look_lift = lift(Taste.matches)
    kind_lift = lift(lambda taste, look: any(look.kind in interest.kinds for interest in taste.interests))
    assert lift(Taste.likes_palette) > 2.5
    assert lift(Taste.likes_pattern) > 2.0
    assert look_lift > 6
    assert 1.2 < kind_lift < look_lift / 3


def test_what_customers_skip_is_not_their_taste(shop, events):
    truth, looks = read_truth(shop.folder), read_looks(shop.folder)

    def share(kinds):
        chosen = [event for event in events if event["kind"] in kinds]
        return np.mean([truth[event["user_id"]].matches(looks[event["item_id"]]) for event in chosen])

    assert share({"skip", "dislike"}) < share({"view"}) / 2
    assert share({"view"}) < share({"like"})


def test_every_palette_comes_in_every_pattern_and_every_kind_is_there(shop):
    looks = read_looks(shop.folder).values()
    assert Counter((look.palette, look.pattern) for look in looks) == dict.fromkeys(
        {(look.palette, look.pattern) for look in looks}, 3
    )
    assert len({(look.palette, look.pattern) for look in looks}) == 42
    assert len({look.kind for look in looks}) == 10


def test_no_two_pictures_are_alike(pictures):
    small = np.stack([picture[::4, ::4].astype(np.int16).ravel() for picture in pictures.values()])
    for row, picture in enumerate(small):
        difference = np.abs(small - picture).mean(axis=1)
        difference[row] = np.inf
        assert difference.min() > 2


def test_palettes_can_be_told_apart_by_colour_alone(shop, pictures):
    looks = read_looks(shop.folder)
    names = sorted({look.palette for look in looks.values()})
    labels = np.array([names.index(looks[item_id].palette) for item_id in pictures])
    colours = np.stack([_colour_of_product(picture) for picture in pictures.values()])
    means = np.stack([colours[labels == label].mean(axis=0) for label in range(len(names))])
    gaps = np.linalg.norm(means[:, None] - means[None, :], axis=2)[np.triu_indices(len(names), 1)]
    assert gaps.min() > 15
    nearest = []
    for row, colour in enumerate(colours):
        others = np.arange(len(colours)) != row
        centres = [colours[others & (labels == label)].mean(axis=0) for label in range(len(names))]
        nearest.append(np.linalg.norm(np.stack(centres) - colour, axis=1).argmin())
    assert np.mean(np.array(nearest) == labels) > 0.45  # blindly: 0.14


def _colour_of_product(picture):
    """Mean (red - green, green - blue) x 2 and brightness of the half of the middle that is least like the wall."""
    wall = picture[:10].reshape(-1, 3).mean(axis=0)
    middle = picture[40:190, 50:174].reshape(-1, 3).astype(float)
    far = np.abs(middle - wall).sum(axis=1)
    red, green, blue = middle[far >= np.median(far)].mean(axis=0)
    return np.array([2 * (red - green), 2 * (green - blue), (red + green + blue) / 3])


def test_patterns_show(shop, pictures):
    looks = read_looks(shop.folder)
    busy = defaultdict(list)
    for item_id, picture in pictures.items():
        if looks[item_id].kind == "rug":
            grey = picture[80:144, 80:144].astype(float).mean(axis=2)
            busy[looks[item_id].pattern].append(
                np.abs(np.diff(grey, axis=1)).mean() + np.abs(np.diff(grey, axis=0)).mean()
            )
    plain = busy.pop("plain")
    assert all(min(values) > 2 * max(plain) for values in busy.values())


def test_titles_and_columns_tell_only_a_part(shop):
    looks = read_looks(shop.folder)
    items = _rows(shop.items)
    assert not {look.palette for look in looks.values()} & {item["colour"] for item in items}
    assert {item["pattern"] for item in items} == {"plain", "patterned"}
    palettes_of = defaultdict(set)
    for item in items:
        palettes_of[item["colour"]].add(looks[item["item_id"]].palette)
        words = {"plain", "striped", "checked", "zigzag", "dotted", "flowered"}
        names_pattern = bool(words & set(item["title"].lower().split()))
        assert not (names_pattern and item["title"].endswith(f", {item['colour']}"))
    assert len(palettes_of["white"]) >= 5


def test_numbers_out_of_range_are_refused_and_write_nothing(tmp_path):
    for wrong in ({"n_items": 41}, {"n_users": 0}, {"seed": -1}):
        with pytest.raises(InputError, match="Expected 42 or more items"):
            draw_shop(tmp_path / "shop", **wrong)
    assert not (tmp_path / "shop").exists()


def test_truth_of_another_folder_is_an_error_that_says_so(tmp_path):
    with pytest.raises(NotFoundError, match=r"customers\.json"):
        read_truth(tmp_path)
    with pytest.raises(NotFoundError, match=r"looks\.csv"):
        read_looks(tmp_path)
    (tmp_path / "customers.json").write_text('{"a": {"interests": [{"colour": 1}]}}')
    with pytest.raises(InputError, match="Draw the sample anew"):
        read_truth(tmp_path)
    (tmp_path / "looks.csv").write_text("item_id,kind\n1,vase\n")
    with pytest.raises(InputError, match="Draw the sample anew"):
        read_looks(tmp_path)


def test_progress_is_told_of_every_picture(tmp_path):
    told = []

    class Watch:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def advance(self, n=1):
            told.append(n)

    started = []

    def progress(label, *, total, unit):
        started.append((label, total, unit))
        return Watch()

    draw_shop(tmp_path, n_items=42, n_users=1, progress=progress)
    assert started == [("draw", 42, "pictures")]
    assert sum(told) == 42
