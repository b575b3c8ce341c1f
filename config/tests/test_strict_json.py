import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import strict_json
from config.strict_json import JsonRefused, OutOfRange, TooLarge


def refusal(body):
    with pytest.raises(JsonRefused) as refused:
        strict_json.loads(body, max_bytes=10_000_000)
    return refused.value


@pytest.mark.parametrize(
    ("body", "reason", "pointer"),
    [
        (b'{"a": NaN}', "NaN is no JSON", "/a"),
        (b'{"a": [1, -Infinity]}', "-Infinity is no JSON", "/a/1"),
        (b'{"a": 1e400}', "number too large", "/a"),
        (b'{"a": {"c": 1, "c": 2}}', "key named twice", "/a/c"),
        (b'{"a/b~c": "\\u0000"}', "NUL in text", "/a~1b~0c"),
        (b'{"\\u0000": 1}', "NUL in text", "/\\0"),
        (b'["\\ud800"]', "lone surrogate in text", "/0"),
        (b'{"\\udc00": 1}', "lone surrogate in text", "/?"),
        (b"[9007199254740992]", "integer beyond 9007199254740991", "/0"),
        (b"[" + b"9" * 5000 + b"]", "integer beyond 9007199254740991", "/0"),
    ],
)
def test_a_value_with_no_one_meaning_is_refused_with_its_pointer(body, reason, pointer):
    refused = refusal(body)

    assert (refused.reason, refused.pointer) == (reason, pointer)


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b"", 1, 1),
        (b'{"a": 1,\n "b" 2}', 2, 6),
        (b"[1] 2", 1, 5),
        (b"{'a': 1}", 1, 2),
        (b'["a\nb"]', 1, 4),
        (b'[1,\n"\xff"]', 2, 2),
        (b"\xef\xbb\xbf{}", 1, 1),
        ("é[".encode() + b"[" * 200, 1, 102),
    ],
)
def test_a_text_that_is_no_json_is_refused_with_line_and_column(body, line, column):
    refused = refusal(body)

    assert (refused.line, refused.column) == (line, column)


def test_a_hundred_levels_are_read_and_one_more_is_not():
    assert strict_json.loads(b"[" * 100 + b"]" * 100, max_bytes=1000)
    assert refusal(b"[" * 101 + b"]" * 101).reason == "nested deeper than 100"


def test_brackets_in_text_are_no_levels():
    body = json.dumps({"a": "[" * 500 + '\\"' + "{" * 500}).encode()

    assert strict_json.loads(body, max_bytes=10_000)["a"].startswith("[[")


def test_a_body_over_the_limit_is_not_even_read():
    with pytest.raises(TooLarge) as large:
        strict_json.loads(b"\xff" * 11, max_bytes=10)
    assert large.value.limit == 10


@pytest.mark.parametrize(
    "body", [b"[" * 1_000_000, b'{"a":' * 200_000, b'"' + b'\\"' * 500_000, b'"' + b"\\" * 999_999]
)
def test_a_bomb_is_refused_in_no_time(body):
    started = time.perf_counter()

    refusal(body)

    assert time.perf_counter() - started < 1.0


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_what_is_plain_is_read_as_the_plain_parser_reads_it(value):
    body = json.dumps(value).encode()

    assert strict_json.loads(body, max_bytes=1_000_000) == json.loads(body)


def test_exact_numbers_are_the_decimals_that_stood_in_the_text():
    value = strict_json.loads_exact(b'[12.10, 7.25e7, -0.5, 9007199254740993, {"a": 1}]')

    assert [str(number) for number in value[:4]] == ["12.10", "7.25E+7", "-0.5", "9007199254740993"]
    assert value[4] == {"a": Decimal(1)}


@pytest.mark.parametrize("digits", ["1e400", "1e-400", "1e25", "1" * 25, "0." + "1" * 25, "9" * 100])
def test_a_number_that_no_price_can_be_is_marked_in_its_place(digits):
    assert strict_json.loads_exact(f'{{"a": [1, {digits}]}}'.encode()) == {"a": [Decimal(1), OutOfRange(digits[:60])]}


@pytest.mark.parametrize(
    ("body", "reason", "pointer"),
    [
        (b'{"price": NaN}', "NaN is no JSON", "/price"),
        (b'{"price": [1, -Infinity]}', "-Infinity is no JSON", "/price/1"),
        (b'{"price": 1, "price": 2}', "key named twice", "/price"),
        (b"[" * 200_000, "nested deeper than 100", None),
        ('{"name": "caf\xe9"}'.encode("latin-1"), "not UTF-8", None),
        (b"<html>", "Expecting value", None),
    ],
)
def test_read_exactly_a_text_is_refused_as_strictly(body, reason, pointer):
    with pytest.raises(JsonRefused) as refused:
        strict_json.loads_exact(body)

    assert (refused.value.reason, refused.value.pointer) == (reason, pointer)


def test_read_exactly_text_stays_as_it_was_sent_because_each_field_has_its_own_rule():
    assert strict_json.loads_exact(b'["\\u0000", "\\ud800"]') == ["\0", "\ud800"]
