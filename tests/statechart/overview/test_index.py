"""An index searches, filters, counts and orders the rows of a source."""

from __future__ import annotations

import threading

from hypothesis import given, settings, strategies as st

from statechart.overview import SORTS, Index, Query
from tests.statechart.overview.rows import GROUPS, Made, Shelf


def indexed(*rows: Made) -> tuple[Shelf, Index[Made]]:
    shelf = Shelf()
    shelf.put(*rows)
    index = Index(shelf)
    index.read()
    return shelf, index


def names(index: Index[Made], query: Query) -> list[str]:
    return [row.name for row in index.find(query).rows]


def test_rows_that_need_a_person_come_first_then_the_newest() -> None:
    _, index = indexed(Made("a", "running", 9), Made("b", "failed", 1), Made("c", "failed", 2))

    assert names(index, Query()) == ["c", "b", "a"]
    assert names(index, Query(sort="since")) == ["a", "c", "b"]
    assert names(index, Query(sort="name")) == ["a", "b", "c"]
    assert index.counts == {"failed": 2, "idle": 0, "running": 1}
    assert [row.name for row in index.rows] == ["c", "b", "a"]


def test_all_words_of_a_search_have_to_match() -> None:
    _, index = indexed(Made("web-1", "failed"), Made("web-2", "running"), Made("db", "failed"))

    assert names(index, Query(q="WEB failed")) == ["web-1"]
    assert names(index, Query(q="web nothing")) == []


def test_a_page_beyond_the_last_is_the_last() -> None:
    _, index = indexed(*(Made(f"e{number:03}") for number in range(25)))

    found = index.find(Query(sort="name", page=99, per_page=10))

    assert (found.page, found.pages, found.total, found.query.page) == (3, 3, 25, 3)
    assert [row.name for row in found.rows] == ["e020", "e021", "e022", "e023", "e024"]
    assert (index.find(Query(q="none")).pages, index.find(Query(q="none")).page) == (1, 1)


def test_counts_and_facets_are_those_of_the_rows_that_the_rest_of_the_query_wants() -> None:
    _, index = indexed(
        Made("a", "failed", facets={"provider": "local", "label:team": "red"}),
        Made("b", "running", facets={"provider": "local"}),
        Made("c", "running", facets={"provider": "terraform"}),
    )

    whole = index.find(Query())
    local = index.find(Query(facets={"provider": "local"}))
    failed = index.find(Query(group="failed", facets={"provider": "local"}))

    assert whole.facets == {"label:team": {"red": 1}, "provider": {"local": 2, "terraform": 1}}
    assert local.facets == whole.facets  # the other providers are still there to be chosen
    assert local.counts == {"failed": 1, "idle": 0, "running": 1}
    assert [row.name for row in failed.rows] == ["a"]
    assert failed.counts == local.counts
    assert failed.facets["provider"] == {"local": 1}
    assert index.find(Query(facets={"unknown": "x"})).total == 0
    assert index.find(Query(group="unknown")).total == 0


def test_a_facet_with_a_value_for_each_name_shows_the_most_frequent() -> None:
    _, index = indexed(
        *(Made(f"e{number}", facets={"label:ticket": str(number)}) for number in range(300)),
        Made("twice", facets={"label:ticket": "7"}),
    )

    tickets = index.find(Query()).facets["label:ticket"]

    assert len(tickets) == 100
    assert next(iter(tickets.items())) == ("7", 2)


def test_facets_that_change_for_months_are_counted_as_they_are_now() -> None:
    shelf, index = indexed(*(Made(name, facets={"label:of": name}) for name in "abc"))
    before = index.find(Query())

    for turn in range(1100):  # more values than are kept for the past
        shelf.put(
            Made("c", facets={"label:commit": str(turn)}), Made(f"pr-{turn}", facets={"x": str(turn)})
        )
        index.refresh(["c", f"pr-{turn}"])
        del shelf.kept[f"pr-{turn}"]
        index.refresh([f"pr-{turn}"])

    assert index.find(Query()).facets == {"label:commit": {"1099": 1}, "label:of": {"a": 1, "b": 1}}
    assert before.facets == {"label:of": {"a": 1, "b": 1, "c": 1}}


def test_a_refresh_reads_the_named_rows_and_no_others() -> None:
    shelf, index = indexed(Made("a"), Made("b"), Made("gone"))
    shelf.put(Made("a", "failed"), Made("b", "failed"), Made("new"))
    del shelf.kept["gone"]

    assert index.refresh(["a", "gone", "new", "never"]) == {
        "a": Made("a", "failed"), "gone": None, "new": Made("new"), "never": None
    }  # fmt: skip

    assert names(index, Query()) == ["a", "b", "new"]
    assert (index.total, index.counts) == (3, {"failed": 1, "idle": 2, "running": 0})
    assert (index.get("b"), index.get("gone")) == (Made("b"), None)


def test_a_row_of_a_group_that_the_source_does_not_name_is_counted_as_well() -> None:
    shelf, index = indexed(Made("a"))
    shelf.kept["b"] = type("Odd", (), {"name": "b", "group": "odd", "rank": (9,), "since": 0, "facets": {}})  # type: ignore[assignment]

    index.refresh(["b"])

    assert index.counts == {"failed": 0, "idle": 1, "running": 0, "odd": 1}


def test_a_page_found_while_rows_are_refreshed_is_whole() -> None:
    shelf, index = indexed(*(Made(f"e{number}") for number in range(200)))
    torn: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found = index.find(Query(per_page=1000))
            if len({row.name for row in found.rows}) != 200 or sum(found.counts.values()) != 200:
                torn.append(len(found.rows))

    looking = threading.Thread(target=look)
    looking.start()
    for turn in range(60):
        shelf.put(*(Made(f"e{number}", GROUPS[turn % 3], turn) for number in range(0, 200, 20)))
        index.refresh([f"e{number}" for number in range(0, 200, 20)])
    done.set()
    looking.join()

    assert torn == []


_rows = st.builds(
    Made,
    st.sampled_from("abcdef"),
    st.sampled_from(GROUPS),
    st.integers(0, 3).map(float),
    st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from("pq")),
)


@given(st.lists(st.lists(_rows, max_size=3), max_size=4), st.sets(st.sampled_from("abcdef")))
@settings(max_examples=60)
def test_an_index_that_was_refreshed_is_one_that_was_read(turns: list[list[Made]], gone: set[str]) -> None:
    shelf, index = indexed(Made("a", "failed"), Made("b"))
    for rows in turns:
        shelf.put(*rows)
        index.refresh(row.name for row in rows)
    for name in gone:
        shelf.kept.pop(name, None)
    index.refresh(gone)

    fresh = Index(shelf)
    fresh.read()

    for sort in SORTS:
        for query in (Query(sort=sort), Query(sort=sort, facets={"x": "p"}), Query(sort=sort, q="q")):
            assert index.find(query) == fresh.find(query)
