"""The map in a real browser."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.workspace.workspace import Workspace

_INK = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let place = 3; place < data.length; place += 4) inked += data[place] > 0;
    return inked;
}"""


@pytest.fixture
def canvas(visit):
    """The map, drawn."""
    visit.open("?view=map")
    found = visit.tab.wait_for_selector("canvas[data-drawn]")
    visit.until(lambda: found.evaluate(_INK) > 500)
    return found


def test_the_map_draws_its_items_and_pictures_when_near(visit, canvas):
    tab = visit.tab
    assert canvas.get_attribute("aria-label") == "Map of 84 items"
    assert canvas.get_attribute("data-method") == "tsne"
    assert canvas.get_attribute("data-pictures") == "0"
    tab.click(".map-tools [aria-label='Zoom in']")
    tab.click(".map-tools [aria-label='Zoom in']")
    visit.until(lambda: int(canvas.get_attribute("data-pictures")) > 5)
    tab.click(".map-tools [aria-label='Show all of it']")
    visit.until(lambda: canvas.get_attribute("data-pictures") == "0")


def test_a_region_lists_the_items_that_lie_in_it(visit, canvas, built):
    tab, box = visit.tab, canvas.bounding_box()
    middle, side = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), 0.94 * box["height"]
    tab.keyboard.down("Shift")
    tab.mouse.move(middle[0] - 0.3 * side, middle[1] - 0.2 * side)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 0.1 * side, middle[1] + 0.3 * side, steps=4)
    tab.mouse.up()
    tab.keyboard.up("Shift")
    tab.wait_for_selector(".map-list .tile:not(.skeleton)")
    left, top, right, bottom = (int(value) / 1000 for value in tab.url.split("region=")[1].split("%2C"))
    assert (left, top, right, bottom) == pytest.approx((0.2, 0.3, 0.6, 0.8), abs=0.01)
    layout = Workspace.open(built).item_map()
    # As sent, in steps of 1 / 65,535.
    x, y = np.rint(layout.positions.T * 65_535) / 65_535
    inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    assert 0 < inside.sum() < 84
    assert set(visit.shown()) == {layout.item_ids[row] for row in np.flatnonzero(inside)}
    tab.click(".map-list .button")
    tab.wait_for_selector(".map-list", state="hidden")


def test_the_map_goes_by_keys(visit, canvas):
    tab = visit.tab
    canvas.focus()
    tab.keyboard.press("+")
    tab.keyboard.press("ArrowRight")
    visit.until(lambda: "In the middle" in tab.inner_text("#status"))
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".item-dialog[open] .strip li")
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".item-dialog", state="hidden")
    canvas.focus()
    tab.keyboard.press("0")
    tab.keyboard.press("l")
    visit.until(lambda: "84 items" in tab.inner_text(".map-list .list-head"))


def test_an_item_shows_under_the_pointer_and_opens_by_a_click(visit, canvas, built):
    tab, box = visit.tab, canvas.bounding_box()
    layout = Workspace.open(built).item_map()
    side = 0.94 * box["height"]
    x, y = (0.5 * np.array([box["width"], box["height"]]) + (layout.positions[5] - 0.5) * side).tolist()
    tab.mouse.move(box["x"] + x, box["y"] + y)
    tab.wait_for_selector(".map-tip img")
    tab.mouse.click(box["x"] + x, box["y"] + y)
    tab.wait_for_selector(".item-dialog[open]")
    opened = tab.url.split("item=")[1]
    near = np.linalg.norm(layout.positions - layout.positions[5], axis=1) <= 12 / side
    assert opened in {layout.item_ids[row] for row in np.flatnonzero(near)}
