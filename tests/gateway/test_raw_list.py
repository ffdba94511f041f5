"""A raw list is split without parsing its entries: each piece is exactly the text of its entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_henry_checkout.exceptions import BadResponse, Rejected
from django_henry_checkout.gateway.raw_list import entries_of
from django_henry_checkout.gateway.response import Response

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.just("refId") | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def answer(body: bytes, *, kind: str = "application/json") -> Response:
    return Response(status=200, headers={"content-type": kind}, body=body, request_id="r")


@given(
    entries=st.lists(JSON, max_size=6),
    members=st.dictionaries(st.text(), JSON, max_size=3),
    indent=st.sampled_from([None, 2]),
)
def test_each_text_is_that_of_its_entry(
    entries: list[Any], members: dict[str, Any], indent: int | None
) -> None:
    members = {name: value for name, value in members.items() if name not in ("data", "success")}
    text = json.dumps({**members, "data": entries, "success": True}, indent=indent)
    found = entries_of(answer(text.encode()), name="refId")
    ids = [entry.get("refId") if isinstance(entry, dict) else None for entry in entries]
    assert [ref_id for ref_id, _text in found] == ids
    assert [json.loads(piece) for _ref_id, piece in found] == entries
    assert all(piece == piece.strip() for _ref_id, piece in found)


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | JSON.map(lambda value: json.dumps(value).encode())
)
def test_anything_else_is_refused_and_never_breaks(body: bytes) -> None:
    try:
        entries_of(answer(body), name="refId")
    except (BadResponse, Rejected):
        return
    assert isinstance(json.loads(body)["data"], list)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"data": []',
        b'{"data": [}',
        b'{"data": [1 2]}',
        b'{"data": [1,]}',
        b'{"data": [],}',
        b'{"data": []} x',
        b'{"data": [], "data": [1]}',
        b"{data: []}",
        b'{"data" []}',
        b"{5: []}",
        b'{"data": "[]"}',
        b'{"success": true, "data": {}}',
        b'{"a": {"data": [1]}}',
        b"\xef\xbb\xbf" + b'{"data": []}',
        '{"data": ["é"]}'.encode("latin-1"),
        b'{"data": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    ],
)
def test_other_bodies_are_a_bad_response(body: bytes) -> None:
    with pytest.raises(BadResponse):
        entries_of(answer(body), name="refId")


def test_a_refusal_in_the_envelope_and_a_wrong_type() -> None:
    with pytest.raises(Rejected):
        entries_of(answer(b'{"success": false, "data": []}'), name="refId")
    with pytest.raises(BadResponse):
        entries_of(answer(b'{"data": []}', kind="text/html"), name="refId")


def test_brackets_in_strings_are_ignored() -> None:
    found = entries_of(answer(b'{"data": [{"refId": "a]}, {"}, {"refId": "b\\"]"}]}'), name="refId")
    assert [ref_id for ref_id, _text in found] == ["a]}, {", 'b"]']
