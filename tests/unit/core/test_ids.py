import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.ids import IdMap

ODD = ["007", "7", "a/b", "a b", " a b", "a.b", "../x", "商品", "\u00e9", "e\u0301", "", "\n", "NULL", "-1"]


def test_ids_of_any_characters_survive_unchanged():
    ids = IdMap(ODD)
    assert list(ids) == ODD
    assert [ids.index(identifier) for identifier in ODD] == list(range(len(ODD)))
    assert [ids[row] for row in range(len(ids))] == ODD
    assert ids.rows(list(reversed(ODD))).tolist() == list(reversed(range(len(ODD))))


def test_unknown_ids():
    ids = IdMap(["a", "b"])
    rows = ids.rows(["b", "c", "A", "b"])
    assert rows.tolist() == [1, -1, -1, 1]
    assert rows.dtype == np.int64
    assert ids.rows([]).dtype == np.int64
    assert "c" not in ids
    assert 0 not in ids
    with pytest.raises(KeyError):
        ids.index("c")


def test_repeated_ids_are_refused_with_their_number():
    with pytest.raises(InputError, match="2 repeated"):
        IdMap(["a", "b", "a", "a"])


def test_take_gives_the_ids_of_rows_in_that_order():
    assert list(IdMap("abcd").take(np.array([2, 0]))) == ["c", "a"]
    with pytest.raises(InputError):
        IdMap("abcd").take(np.array([2, 2]))


def test_equal_by_ids_in_order():
    assert IdMap("ab") == IdMap(["a", "b"])
    assert hash(IdMap("ab")) == hash(IdMap(["a", "b"]))
    assert IdMap("ab") != IdMap("ba")
    assert IdMap("ab") != ("a", "b")
    assert len(IdMap(())) == 0
