"""A query and its URL say the same."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings, strategies as st

from statechart.overview import Query


@pytest.mark.parametrize(
    ("query", "url"),
    [
        (Query(), ""),
        (Query(q="web team"), "?q=web+team"),
        (Query(group="failed", page=2), "?group=failed&page=2"),
        (Query(facets={"provider": "local", "label:team": "a&b"}), "?provider=local&label:team=a%26b"),
        (Query(sort="since", per_page=50), "?sort=since&per_page=50"),
    ],
    ids=["default", "search", "page", "facets", "sort"],
)
def test_a_query_is_written_as_a_url_and_read_back(query: Query, url: str) -> None:
    assert query.url() == url
    assert Query.read(dict(parse_qsl(url.removeprefix("?")))) == query


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"page": "abc", "per_page": "-1"}, Query()),
        ({"page": "0", "per_page": "0"}, Query(per_page=1)),
        ({"page": "9" * 5000, "per_page": "9" * 5000}, Query(page=1_000_000, per_page=1000)),
        ({"page": "²", "per_page": "1_0"}, Query()),
        ({"page": "00012"}, Query(page=12)),
        ({"sort": "revenge", "group": "all", "provider": " "}, Query()),
        ({"q": "  web \x00\x1b[31m \n x "}, Query(q="web [31m x")),
        ({"group": "\x00"}, Query()),
    ],
    ids=["words", "zero", "huge", "digits", "zeros", "unknown", "control", "empty"],
)
def test_absurd_values_are_corrected(params: dict[str, str], query: Query) -> None:
    assert Query.read(params) == query


def test_another_filter_begins_with_the_first_page() -> None:
    query = Query(q="web", page=7)

    assert query.url(group="failed") == "?q=web&group=failed"
    assert query.url(page=8) == "?q=web&page=8"
    assert query.url() == "?q=web&page=7"
    assert query.url(q="", page=1) == ""


def test_a_facet_is_chosen_and_given_up() -> None:
    query = Query(facets={"provider": "local"}, page=2)

    assert query.url_with("class", "failed") == "?provider=local&class=failed"
    assert query.url_with("provider", "terraform") == "?provider=terraform"
    assert query.url_with("provider", None) == ""


@given(st.dictionaries(st.sampled_from(["q", "group", "sort", "page", "per_page", "x", ""]), st.text()))
@settings(max_examples=60)
def test_any_text_is_read_as_a_query_whose_url_reads_the_same(params: dict[str, str]) -> None:
    query = Query.read(params)

    assert Query.read(dict(parse_qsl(query.url().removeprefix("?")))) == query
    assert len(query.url()) < 10_000
