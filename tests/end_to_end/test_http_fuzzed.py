"""Every route with drawn requests, right and wrong: no server error, and every answer is as /openapi.json says."""

from __future__ import annotations

import shutil
from random import Random

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from visrec.server.app import create_app
from visrec.server.keys import Keys
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace

USERS = ["customer-007", "customer-011", "nobody"]
EXAMPLES = 5
WITHOUT_PARTS = ("/health/live", "/health/ready", "/metrics")
#: Drawn at random, these would hardly ever be something that exists.
USUAL = {
    "where": ["price < 100", "array_has(colours, 'red')", "title = 'x'", "1 = 1", "price / 0 > 1", "nope = 1"],
    "model": ["blend", "popular"],
    "cursor": ["MTA"],
    "kind": ["like", "dislike", "rate"],
    "columns": ["category", "colours"],
    "max_per": ["category=2", "price=1"],
}


@pytest.fixture(scope="module")
def folder(built, visrec, tmp_path_factory):
    shop = tmp_path_factory.mktemp("fuzzed") / "shop"
    shutil.copytree(built, shop)
    visrec("recognize", shop)
    return shop


@pytest.fixture(scope="module")
def served(folder):
    """The documented operations, and a session that knows a key."""
    app = create_app(Workspace.open(folder), ServerSettings(rate=0, hosts=(asgi.HOST,)))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    with asgi.get_client(app) as client:
        client.headers["Authorization"] = f"Bearer {Keys(folder).add('fuzzing', 'admin')}"
        yield [found.ok() for found in schema.get_all_operations()], client


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("tag", ["recommend", "feedback", "items", "users", "operation"])
def test_any_request_is_answered_as_documented(tag, mode, served, folder):
    operations, client = served
    items = Workspace.open(folder).catalogue.items().column("item_id").to_pylist()
    known = USUAL | {"item_id": items, "user_id": USERS, "user_ids": USERS}
    known |= dict.fromkeys(("like", "dislike", "skip", "candidates"), items)
    # Nothing can be drawn for requests without any parts; and none can be wrong of the one that only may have a cookie.
    tested = [one for one in operations if tag in one.tags and one.path not in WITHOUT_PARTS]
    if mode is GenerationMode.NEGATIVE:
        tested = [one for one in tested if one.label != "DELETE /v1/session"]
    assert tested
    for operation in tested:
        _ask(operation, mode, client, known)


def _ask(operation, mode, client, known):
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.randoms(use_true_random=False))
    def asked(case, random):
        case.path_parameters = _familiar(case.path_parameters, known, random)
        case.query = _familiar(case.query, known, random)
        case.body = _familiar(case.body, known, random)
        response = case.call(session=client, headers=dict(client.headers))
        # Which ids, filters and pictures there are, no schema says: a request of the right form may be refused. And one
        # of the wrong form may have been mended above, or be the same in a URL: a text and a list of one text.
        case.validate_response(response, excluded_checks=[positive_data_acceptance, negative_data_rejection])

    asked()


def _familiar(part, known, random: Random, name=""):
    """The same with most of its ids, filters and names replaced by such as there are."""
    if isinstance(part, dict):
        return {key: _familiar(value, known, random, key) for key, value in part.items()}
    if isinstance(part, list):
        return [_familiar(value, known, random, name) for value in part]
    if isinstance(part, str) and name in known and random.random() < 0.8:
        return random.choice(known[name])
    return part
