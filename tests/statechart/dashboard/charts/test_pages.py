"""The pages of a chart's values, asked for without a browser."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import new_class
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Mount

from statechart import Chart, ChartRepository, Event, State
from statechart.dashboard import asgi_app
from statechart.dashboard.charts import detail
from statechart.stored.migrations import rename_state
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart


class Step(BaseModel, extra="ignore"):
    state: str | None = None


def shown(page: Any, *, times: bool = True) -> str:
    """Return the text of a page, without its tags and runs of space.

    Times are told from the moment of the answer, and differ between two of them.
    """
    text = page.text if times else re.sub(r"<time.*?</time>", "", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


async def test_the_overview_lists_values_and_leads_to_them(
    parcels: ChartRepository[Parcel], opened: Any
) -> None:
    parcels.create("A-1", Parcel())
    parcels.create("a.b_c-2", Parcel(to="Nowhere"))
    parcels.fire("a.b_c-2", ParcelChart.post)
    parcels.run_effects()

    async with opened(parcels) as client:
        page, found, none = (
            await client.get("/"),
            await client.get("/?state=packed"),
            await client.get("/?q=x&page=zz&per_page=-1&sort=;"),
        )
        mosaic, second = await client.get("/all"), await client.get("/?sort=name&per_page=1&page=2")

    assert [each.status_code for each in (page, found, none, mosaic)] == [200] * 4
    assert re.findall(r'<tr class="([\w-]+)" data-name="([^"]+)"', page.text) == [
        ("effects", "a.b_c-2"),
        ("in-progress", "A-1"),
    ]
    assert 'href="/e/a.b_c-2"' in page.text
    assert "label failed 1 time: OSError: the printer is &lt;off&gt;" in page.text
    assert re.findall(r'data-name="([^"]+)"', found.text) == ["A-1"]
    assert "Nothing matches" in none.text
    assert re.findall(r'data-name="([^"]+)"', second.text) == ["a.b_c-2"]
    assert re.findall(r'<a href="/e/([^"]+)"', mosaic.text) == ["a.b_c-2", "A-1"]


async def test_an_empty_store_says_how_a_value_is_created(
    parcels: ChartRepository[Parcel], opened: Any
) -> None:
    async with opened(parcels) as client:
        page = await client.get("/")

    assert page.status_code == 200
    command = f"python -m statechart create {ParcelChart.__module__}:ParcelChart NAME KEY=VALUE --store "
    assert command + str(parcels.files.root) in page.text


async def test_a_value_shows_its_fields_events_and_commands(
    parcels: ChartRepository[Parcel], opened: Any
) -> None:
    parcels.create(
        "A-1", Parcel(to="<script>alert(1)</script>", track="javascript:alert(1)", pin="hunter2")
    )
    parcels.create("A-2", Parcel(to="", tags=["x" * 40, "y" * 40]))
    parcels.create("A-3", Parcel())
    parcels.fire("A-3", ParcelChart.post, track="https://post.example/A-3?a=1&b=2")

    async with opened(parcels) as client:
        hostile, refused, linked = [await client.get(f"/e/A-{number}") for number in (1, 2, 3)]

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in hostile.text
    assert 'href="javascript' not in hostile.text
    assert "hunter2" not in hostile.text
    assert "pin ********** tags []" in shown(hostile)
    assert "Refused post it has no address" in shown(refused)
    assert '<pre class="lines" tabindex="0" aria-label="tags">' in refused.text
    assert '<a href="https://post.example/A-3?a=1&amp;b=2" rel="noreferrer noopener">' in linked.text
    assert "post: packed → sent track https://post.example/A-3?a=1&amp;b=2" in shown(linked)
    fire = f"python -m statechart fire {ParcelChart.__module__}:ParcelChart A-3 arrive --store "
    assert fire + str(parcels.files.root) in linked.text
    assert "label after post of revision 2" in shown(linked)


async def test_the_past_is_shown_with_the_way_until_then(
    parcels: ChartRepository[Parcel], opened: Any
) -> None:
    parcels.create("A-1", Parcel())
    parcels.fire("A-1", ParcelChart.post, track="T-7")
    parcels.fire("A-1", ParcelChart.arrive)

    async with opened(parcels) as client:
        now, then, beyond, absurd, before = [
            await client.get(f"/e/A-1{query}") for query in ("", "?at=1", "?at=999", "?at=x", "?at=0")
        ]
        picture = await client.get("/e/A-1/chart.svg?at=2")

    assert "As it was" not in now.text
    assert 'type="range" id="revision" name="at" class="live-only" min="1" max="3" value="3"' in now.text
    assert "As it was at revision 1" in shown(then)
    assert "T-7" in shown(now).partition("History")[0]
    assert "T-7" not in shown(then).partition("History")[0]
    assert ("wire taken" in now.text, "wire taken" in then.text) == (True, False)
    # A revision that there is not is the nearest, and none at all is the present one.
    main = [shown(each, times=False).partition("as of")[0] for each in (now, then, beyond, absurd, before)]
    assert main[2] == main[3] == main[0]
    assert main[4] == main[1]
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "<style>" in picture.text


async def test_of_a_long_history_the_records_around_the_revision_are_shown(
    parcels: ChartRepository[Parcel], opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detail, "MOST", 4)
    parcels.create("A-1", Parcel())
    for event in ("lose", "find") * 5:
        parcels.fire("A-1", event)

    async with opened(parcels) as client:
        pages = {at: (await client.get(f"/e/A-1?at={at}")).text for at in (1, 5, 11)}

    seen = {at: [int(seq) for seq in re.findall(r'id="record-(\d+)"', page)] for at, page in pages.items()}
    assert seen == {1: [4, 3, 2, 1], 5: [7, 6, 5, 4], 11: [11, 10, 9, 8]}
    assert "4 of 11 records" in pages[5]


async def test_a_name_that_is_none_or_is_gone_is_not_found(
    parcels: ChartRepository[Parcel], opened: Any, tmp_path: Path
) -> None:
    parcels.create("A-1", Parcel())
    (tmp_path / "secret").mkdir()

    async with opened(parcels) as client:
        for name in ("gone", "..%2Fsecret", "%2e%2e", ".locks", "a%00b", "A-1%0A", "x" * 101, "ä"):
            page, answer = await client.get(f"/e/{name}"), await client.get(f"/api/v1/values/{name}")
            assert (page.status_code, answer.status_code) == (404, 404), name
            assert answer.json()["error"]["code"] in ("not_found", "invalid_name"), name
        assert (await client.get("/e/A-1")).status_code == 200
        parcels.delete("A-1")
        purged = await client.get("/e/A-1")

    assert purged.status_code == 404
    assert "A-1" in purged.text


async def test_a_damaged_value_says_what_is_wrong_and_what_helps(
    parcels: ChartRepository[Parcel], opened: Any
) -> None:
    parcels.create("A-1", Parcel())
    parcels.fire("A-1", ParcelChart.post)
    journal = parcels.files.directory("A-1") / "history.jsonl"
    journal.write_text(journal.read_text().replace('"packed"', '"pac<ed"'))

    async with opened(parcels) as client:
        page, answer = await client.get("/e/A-1"), await client.get("/api/v1/values/A-1")

    assert page.status_code == 200
    assert "It can't be read" in page.text.replace("&#39;", "'")
    assert "What verifying found" in page.text
    assert "restore its files from a backup" in page.text
    assert f"verify {ParcelChart.__module__}:ParcelChart A-1 --store" in page.text
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "corrupt_history")


async def test_a_guard_that_raises_refuses_its_event(parcels: ChartRepository[Parcel], opened: Any) -> None:
    parcels.create("A-1", Parcel(to="broken"))

    async with opened(parcels) as client:
        page, answer = await client.get("/e/A-1"), await client.get("/api/v1/values/A-1/allowed")

    assert "Refused post it has no address" in shown(page)
    assert answer.json()["allowed"] == ["lose"]


async def test_values_of_an_older_schema_are_shown_as_today(tmp_path: Path, opened: Any) -> None:
    class Later(Chart[Step]):
        ready = State(initial=True)
        gone = State(final=True)
        leave = Event(ready.to(gone))

    ChartRepository(tmp_path / "p", ParcelChart).create("A-1", Parcel())
    changes = rename_state("packed", "ready")
    later = ChartRepository(tmp_path / "p", Later, schema_version=2, migrations={1: changes})
    unmigrated = ChartRepository(tmp_path / "p", Later, model=Step)

    async with opened(later) as client:
        overview, page = await client.get("/"), await client.get("/e/A-1")
    async with opened(unmigrated) as client:
        lacking, damaged = await client.get("/"), await client.get("/e/A-1")

    assert "> ready<" in overview.text.replace("</i>", "> ")
    assert "leave → gone" in shown(page)
    assert 'data-group="unreadable"' in lacking.text
    assert damaged.status_code == 200
    assert "migration" in damaged.text


async def test_the_dashboard_can_be_mounted_below_a_path(
    parcels: ChartRepository[Parcel],
) -> None:
    import httpx

    parcels.create("A-1", Parcel())
    site = asgi_app(parcels, title="Parcels & more")
    app = Starlette(routes=[Mount("/parcels", site)])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mine") as client:
        pages = [await client.get(f"/parcels{path}") for path in ("/", "/all", "/e/A-1", "/e/none")]
        links = {
            link for page in pages for link in re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
        }
        answers = {link: (await client.get(link)).status_code for link in links if "none" not in link}
    await site.following.stop()

    assert "Parcels &amp; more" in pages[0].text
    assert {link for link in links if not link.startswith("/parcels/")} == set()
    assert set(answers.values()) == {200}


async def test_a_chart_of_twenty_states_has_pages(tmp_path: Path, opened: Any) -> None:
    names = [f"state_{number}" for number in range(20)]
    states = {name: State(initial=name == names[0], final=name == names[-1]) for name in names}
    pairs = list(itertools.pairwise(names))
    events = {f"to_{number}": Event(states[a].to(states[b])) for number, (a, b) in enumerate(pairs)}
    long_chart: Any = new_class("Long", (Chart,), exec_body=lambda body: body.update({**states, **events}))
    repository = ChartRepository(tmp_path / "long", long_chart, model=Step)
    repository.create("A-1", Step())
    for number in range(10):
        repository.fire("A-1", f"to_{number}")

    async with opened(repository) as client:
        page, overview = await client.get("/e/A-1"), await client.get("/")

    assert "State 10" in page.text
    assert "station 11 of 20" in overview.text


async def test_values_in_a_database_have_the_same_pages(opened: Any, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/parcels.db"
    parcels = ChartRepository(where, ParcelChart)
    parcels.create("A-1", Parcel(to="Bob"))
    parcels.fire("A-1", ParcelChart.post)
    parcels.create("A-2", Parcel())

    async with opened(parcels) as client:
        overview = (await client.get("/")).text
        page = (await client.get("/e/A-1")).text
        incident = (await client.get("/e/A-1/incident.html")).text
        document = (await client.get("/api/v1/values/A-1")).json()

    assert "A-1" in overview
    assert "A-2" in overview
    for text in (page, incident):
        assert where in text
        assert "label" in text
    assert f"It is in {where}" in page
    assert (document["store"], document["due"] != []) == (where, True)
    assert "directory" not in document
