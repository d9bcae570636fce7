"""A customer's taste in a real browser."""

from __future__ import annotations

import pytest

from visrec.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def tasteful(built):
    """Two customers with two interests or more, for a test each."""
    shop = Workspace.open(built)
    users = shop.catalogue.interactions().column("user_id").unique().to_pylist()
    return [user for user in users if len(shop.profile(user).interests) >= 2][:2]


def test_a_taste_shows_its_interests_history_and_recommendations(visit, built, tasteful):
    shop, user = Workspace.open(built), tasteful[0]
    profile, events = shop.profile(user), shop.catalogue.interactions_of([user])
    tab = visit.open(f"?view=person&user={user}")
    tab.wait_for_selector(".interest")
    assert len(tab.query_selector_all(".interests:not(.avoided) .interest")) == len(profile.interests)
    first = tab.query_selector(".interest")
    assert profile.interests[0].item_ids[0] in first.query_selector(".mosaic a").get_attribute("href")
    assert f"{round(100 * profile.interests[0].weight)}%" in first.inner_text()
    shares = first.query_selector(".palette").get_attribute("aria-label")
    assert all(word.value in shares for word in profile.interests[0].palette)
    assert visit.shown()[:5] == [line.item_id for line in shop.recommend(user, 5).items]
    (why,) = shop.explanations.reasons(user, visit.shown()[:1])
    assert tab.inner_text(".tile-reason") == why.reasons_json()["sentence"]["en"]
    assert "looks 100%" in tab.get_attribute(".tile .parts", "aria-label")
    assert len(tab.query_selector_all(".events li")) == min(24, len(events))


def test_a_taste_is_edited_and_recommendations_follow(visit, built, tasteful):
    user = tasteful[1]
    tab = visit.open(f"?view=person&user={user}")
    tab.wait_for_selector(".interest")
    before, numbers = visit.shown(), len(tab.query_selector_all(".interest"))
    tab.click(".interest .button")
    visit.until(lambda: "left out by hand" in tab.inner_text(".person-head"))
    visit.until(lambda: visit.shown() != before and tab.query_selector(".grid.old") is None)
    assert Workspace.open(built).profile(user).left_out > 0
    tab.click(".person-head .button")
    visit.until(lambda: "left out" not in tab.inner_text(".person-head"))
    visit.until(lambda: visit.shown() == before)
    assert len(tab.query_selector_all(".interest")) == numbers
    tab.click(".person-head .danger")
    tab.click(".dialog .danger")
    visit.until(lambda: not tab.query_selector_all(".interest"))
    assert Workspace.open(built).profile(user).interests == ()


def test_somebody_unknown_and_nobody_are_told_what_to_do(visit):
    tab = visit.open("?view=person&user=never%20seen")
    visit.until(lambda: "Nothing is known of never seen" in tab.inner_text("main"))
    visit.open("?view=person")
    tab.click("main .button.main")
    assert tab.is_visible("#who")
