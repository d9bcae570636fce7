"""The page in a real browser: what a person does with it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import visrec.server
from visrec.server.keys import Keys
from visrec.workspace.workspace import Workspace

#: What the first view may weigh, in bytes.
_FIRST_VIEW = 400_000


def _asked(tab):
    return parse_qs(urlsplit(tab.url).query)


def test_the_first_view_is_light_and_goes_on_when_scrolled(visit):
    tab = visit.open()
    tab.wait_for_load_state("networkidle")
    assert len(visit.shown()) == 20
    weights = visit.weights()
    assert 20_000 < sum(weights.values()) < _FIRST_VIEW
    assert sum("/picture?" in url for url in weights) >= 10
    boxes = tab.eval_on_selector_all(".tile .picture", "all => all.map(one => one.offsetWidth / one.offsetHeight)")
    assert boxes == pytest.approx([0.75] * 20, abs=0.01)
    tab.mouse.wheel(0, 20_000)
    visit.until(lambda: len(visit.shown()) == 60)
    visit.until(lambda: tab.mouse.wheel(0, 20_000) or "84 items" in tab.inner_text(".end"))
    assert len(set(visit.shown())) == 84


def test_a_guest_likes_and_the_list_changes_at_once(visit):
    tab = visit.open()
    before = visit.shown()
    first, second = before[4], before[7]
    tab.click(f'.tile[data-item="{first}"] .like')
    visit.until(lambda: first not in visit.shown())
    liked = visit.shown()
    assert liked != before
    assert _asked(tab) == {"like": [first]}
    tab.click(f'.tile[data-item="{second}"] .dislike') if second in liked else tab.click(".tile .dislike")
    visit.until(lambda: "dislike" in _asked(tab) and visit.shown() != liked)
    assert len(tab.query_selector_all(".chip")) == 2
    tab.go_back()
    visit.until(lambda: visit.shown() == liked)
    tab.click(".chip-close")
    visit.until(lambda: visit.shown() == before)
    assert _asked(tab) == {}


def test_a_customer_likes_and_it_counts_in_the_log_and_in_the_next_list(visit, built):
    tab = visit.open()
    tab.click(".who")
    tab.fill("#who", "somebody/new?")
    tab.keyboard.press("Enter")
    visit.until(lambda: "somebody/new?" in tab.inner_text("h1"))
    item = visit.shown()[2]
    tab.click(f'.tile[data-item="{item}"] .like')
    visit.until(lambda: item not in visit.shown())
    events = Workspace.open(built).catalogue.interactions_of(["somebody/new?"]).to_pylist()
    assert [(one["item_id"], one["kind"]) for one in events] == [(item, "like")]


def test_search_by_picture_finds_the_item_that_it_shows(visit, sample):
    tab = visit.open()
    wanted = visit.shown()[11]
    file = next(file for file in sample.images.rglob("*") if file.stem == wanted)
    tab.set_input_files("#pictures", str(file))
    visit.until(lambda: visit.shown()[:1] == [wanted])
    assert "Like your picture" in tab.inner_text("h1")
    tab.click(".searched .button")
    visit.until(lambda: "Popular" in tab.inner_text("h1"))


def test_a_picture_can_be_dropped_and_what_is_none_is_refused(visit, sample):
    tab = visit.open()
    data = next(sample.images.rglob("*.jpg")).read_bytes()
    drop = """([bytes, type]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "one", {type}));
        for (const kind of ["dragenter", "drop"])
            window.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
    }"""
    tab.evaluate(drop, [list(b"text"), "text/plain"])
    visit.until(lambda: "not a picture" in tab.inner_text("#status"))
    tab.evaluate(drop, [list(data), "image/jpeg"])
    visit.until(lambda: "Like your picture" in tab.inner_text("h1"))
    assert tab.is_hidden(".drop")


def test_filters_of_one_column_add_up_and_columns_must_agree(visit, built):
    items = {row["item_id"]: row for row in Workspace.open(built).catalogue.items().to_pylist()}
    tab = visit.open("?is.category=dress")
    assert {items[one]["category"] for one in visit.shown()} == {"dress"}
    assert tab.is_checked('input[data-column="category"][data-value="dress"]')
    other = next(row["category"] for row in items.values() if row["category"] != "dress")
    tab.check(f'input[data-column="category"][data-value="{other}"]')
    visit.until(lambda: {items[one]["category"] for one in visit.shown()} == {"dress", other})
    assert _asked(tab)["is.category"] == ["dress", other]
    tab.click(".filters-head .link")
    visit.until(lambda: len({items[one]["category"] for one in visit.shown()}) > 2)


def test_variety_changes_the_list_and_is_in_the_address(visit):
    tab = visit.open()
    tab.click(".tile .like")
    visit.until(lambda: "like" in _asked(tab) and tab.get_attribute(".grid", "class") == "grid")
    before = visit.shown()
    tab.fill("#diversity", "1")
    visit.until(lambda: visit.shown() != before)
    assert _asked(tab)["diversity"] == ["1"]


def test_an_item_opens_by_keyboard_and_closes_by_escape_and_by_back(visit):
    tab = visit.open()
    item = visit.shown()[0]
    tab.focus(".tile-link")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".item-dialog[open] .strip li")
    assert _asked(tab) == {"item": [item]}
    assert item in tab.inner_text(".item-facts")
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".item-dialog", state="hidden")
    visit.until(lambda: _asked(tab) == {})
    tab.go_forward()
    tab.wait_for_selector(".item-dialog[open] .strip li")
    tab.click(".item-dialog .button.main")
    visit.until(lambda: "More like this" in tab.inner_text("h1"))
    assert _asked(tab) == {"similar": [item]}


def test_who_likes_by_keyboard_stays_in_the_list(visit):
    tab = visit.open()
    before = visit.shown()
    tab.focus(f'.tile[data-item="{before[2]}"] .like')
    tab.keyboard.press("Space")
    visit.until(lambda: before[2] not in visit.shown() and tab.query_selector(".grid.old") is None)
    assert tab.evaluate("document.activeElement.dataset") == {"marks": visit.shown()[2], "kind": "like"}


def test_where_a_key_is_needed_the_page_asks_for_it_once(visit, served, built, tmp_path):
    shutil.copytree(built, tmp_path / "shop")
    key = Keys(tmp_path / "shop").add("page", "write")
    with served(tmp_path / "shop") as visit.root:
        tab = visit.tab
        tab.goto(f"{visit.root}/page/")
        tab.fill("#key", "wrong")
        tab.keyboard.press("Enter")
        visit.until(lambda: "not known" in tab.inner_text("form [role=alert]"))
        tab.fill("#key", key)
        tab.keyboard.press("Enter")
        tab.wait_for_selector(".tile:not(.skeleton)")
        visit.until(lambda: tab.query_selector(".picture.there"))
        visit.open()
        assert tab.query_selector("#key") is None
        # What is still being loaded must not meet a server that is gone.
        tab.goto("about:blank")


def test_everything_that_can_be_pressed_has_a_name(visit):
    tab = visit.open("?item=" + visit_first(visit))
    tab.wait_for_selector(".item-dialog[open] .strip li")
    unnamed = tab.eval_on_selector_all(
        "button, a, input, summary, dialog",
        """all => all.filter(one => !(one.innerText?.trim() || one.textContent.trim() || one.ariaLabel ||
            one.labels?.length || one.querySelector('img[alt]:not([alt=""])'))).map(one => one.outerHTML)""",
    )
    assert unnamed == []


@pytest.mark.parametrize("locale", ["zh-CN"])
def test_the_page_speaks_chinese_where_the_browser_does(visit):
    tab = visit.open()
    assert tab.get_attribute("html", "lang") == "zh"
    assert tab.inner_text("h1") == "热门商品"


def test_every_word_is_translated_and_every_translation_used():
    static = Path(visrec.server.__file__).parent / "static"
    words, chinese = (
        dict(re.findall(r'^  (\w+):\s+"(.*)",$', (static / name).read_text("utf-8"), re.MULTILINE))
        for name in ("strings.js", "strings_zh.js")
    )
    # A bare number is the same in both.
    assert set(words) - set(chinese) == {"count"}
    assert set(chinese) <= set(words)
    places = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in words.items()}
    assert {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in chinese.items()}.items() <= places.items()


def visit_first(visit):
    visit.open()
    return visit.shown()[0]
