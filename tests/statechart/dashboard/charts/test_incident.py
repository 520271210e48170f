"""The incident file of a value: whole, without secrets, and without a request to anywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from statechart import ChartRepository
from tests.statechart.cli.conftest import cli as cli  # the fixture
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart

CHART = f"{ParcelChart.__module__}:ParcelChart"


async def test_a_value_is_told_in_one_file(
    parcels: ChartRepository[Parcel], opened: Any, cli: Any, tmp_path: Path
) -> None:
    parcels.create("A-1", Parcel(to="Nowhere", pin="hunter2"))
    parcels.fire("A-1", ParcelChart.post, track="<b>T-7</b>")
    parcels.run_effects()

    async with opened(parcels) as client:
        page = await client.get("/e/A-1/incident.html")
        none = await client.get("/e/gone/incident.html")
    ran = cli("why", CHART, "A-1", "--html", "a-1.html", "--store", parcels.files.root)
    unwritable = cli("why", CHART, "A-1", "--html", "no/a-1.html", "--store", parcels.files.root)

    assert (page.status_code, none.status_code) == (200, 404)
    assert (ran.code, unwritable.code) == (0, 2)
    for text in (page.text, (tmp_path / "a-1.html").read_text()):
        assert "label after post of revision 2, tried once: OSError: the printer is &lt;off&gt;" in text
        assert f"python -m statechart effects {CHART} A-1 --run --store {parcels.files.root}" in text
        assert "track=&lt;b&gt;T-7&lt;/b&gt;" in text
        assert "wire taken" in text
        assert "hunter2" not in text
        assert not re.search(r"<script|<link|<img|src=|href=\"/|@import|url\((?!#)", text)
    assert "sandbox" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]


async def test_a_damaged_value_has_a_file_as_well(parcels: ChartRepository[Parcel], opened: Any) -> None:
    parcels.create("A-1", Parcel())
    (parcels.files.directory("A-1") / "history.jsonl").write_text("{}\n{}\n")

    async with opened(parcels) as client:
        page = await client.get("/e/A-1/incident.html")

    assert page.status_code == 200
    assert "What verifying found" in page.text
    assert "No record can be read" in page.text
