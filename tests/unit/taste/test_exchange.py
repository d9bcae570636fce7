"""Documents that carry a taste elsewhere."""

from __future__ import annotations

import copy
import json

import pytest

from visrec.core.errors import InputError
from visrec.taste.exchange import Event, TasteDocument, read_document, write_document
from visrec.taste.profile import TasteProfile

EVENTS = (Event("0001", "like", None, 5), Event("椅子/2", "rate", 4.5, None))


@pytest.fixture
def document():
    return write_document(TasteProfile("u"), EVENTS, {"0001": 7, "": 3})


def test_what_was_written_is_read(document):
    read = read_document(json.loads(json.dumps(document)))
    assert read == TasteDocument("u", EVENTS, {"0001": 7, "": 3})


def test_without_changes_and_without_the_part_for_readers(document):
    del document["left_out"], document["profile"]
    assert read_document(document) == TasteDocument("u", EVENTS, {})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((), [], "the document as a JSON object, got list"),
        (("format",), "other", '"format": "visrec-taste", got \'other\''),
        (("format",), None, "got None"),
        (("version",), "1", '"version": 1'),
        (("version",), True, '"version": 1'),
        (("version",), 0, '"version": 1'),
        (("version",), 2, "of version 2, and 1 is the newest known. Update visrec"),
        (("user_id",), "", '"user_id" as text'),
        (("user_id",), 7, '"user_id" as text'),
        (("events",), {}, '"events" as a list, got dict'),
        (("events", 1), "x", "event 2 as a JSON object"),
        (("events", 0, "item_id"), 1, '"item_id" of event 1 as text'),
        (("events", 0, "kind"), "", '"kind" of event 1 as text'),
        (("events", 1, "value"), "4", '"value" of event 2 as a number'),
        (("events", 1, "value"), float("nan"), '"value" of event 2 as a number'),
        (("events", 1, "value"), True, '"value" of event 2 as a number'),
        (("events", 0, "timestamp"), 1.5, '"timestamp" of event 1 as whole epoch seconds'),
        (("left_out",), [], '"left_out" as a JSON object'),
        (("left_out", "0001"), "x", "\"left_out\" of item '0001'"),
    ],
)
def test_anything_else_is_named(path, value, message, document):
    wrong = copy.deepcopy(document)
    if not path:
        wrong = value
    else:
        inner = wrong
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    with pytest.raises(InputError) as refused:
        read_document(wrong)
    assert message in str(refused.value)
