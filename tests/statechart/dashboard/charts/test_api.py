"""The API of a chart's values, compared with what the command line prints."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from statechart import ChartRepository
from statechart.cli.app import main
from statechart.dashboard.api.openapi import description
from statechart.dashboard.charts.api import API
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart

DESCRIPTION = description(API)
SCHEMAS = {
    "show": "Value",
    "history": "History",
    "allowed": "Events",
    "why": "Explanation",
    "diagram": "Diagram",
    "effects": "DueEffects",
    "verify": "Verified",
}

CHART = f"{ParcelChart.__module__}:ParcelChart"


def check_schema(name: str, document: object) -> None:
    """Check that a document is what the description says."""
    name = "Value" if name == "History" and "history" not in cast("dict[str, object]", document) else name
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)


@pytest.fixture
def kept(parcels: ChartRepository[Parcel]) -> ChartRepository[Parcel]:
    for name in ("A-1", "A-2", "A-3"):
        parcels.create(name, Parcel(to="Nowhere", pin="hunter2"))
    parcels.fire("A-1", ParcelChart.post, track="T-7")
    parcels.run_effects("A-1")
    (parcels.files.directory("A-3") / "history.jsonl").write_text("{}\n{}\n")
    return parcels


async def test_answers_are_the_documents_of_the_command_line(
    kept: ChartRepository[Parcel], opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(command: str, *words: str) -> Any:
        capsys.readouterr()
        main([command, CHART, *words, "--store", str(kept.files.root), "--json"])
        return json.loads(capsys.readouterr().out)

    one = "/api/v1/values/A-1"
    asked = {
        one: ("show", "A-1"),
        f"{one}?at=1": ("history", "A-1", "--at", "1"),
        f"{one}?at=2099-01-01": ("history", "A-1", "--at", "2099-01-01"),
        f"{one}?at=7": ("history", "A-1", "--at", "7"),
        f"{one}?at=-1": ("history", "A-1", "--at=-1"),
        f"{one}/history": ("history", "A-1"),
        f"{one}/allowed": ("allowed", "A-1"),
        f"{one}/why": ("why", "A-1"),
        f"{one}/diagram": ("diagram", "--of", "A-1"),
        f"{one}/diagram?format=json": ("diagram", "--of", "A-1", "--format", "json"),
        f"{one}/effects": ("effects", "A-1"),
        f"{one}/verify": ("verify", "A-1"),
        "/api/v1/effects": ("effects",),
        "/api/v1/diagram": ("diagram",),
        "/api/v1/values/A-3": ("show", "A-3"),
        "/api/v1/values/A-3/verify": ("verify", "A-3"),
        "/api/v1/values/A-9": ("show", "A-9"),
    }
    async with opened(kept) as client:
        answers = {path: (await client.get(path)).json() for path in asked}
        listed = (await client.get("/api/v1/values?sort=name")).json()

    for path, words in asked.items():
        expected = printed(*words)
        check_schema("Error" if "error" in expected else SCHEMAS[words[0]], answers[path])
        for told in (answers[path], expected):  # how long ago it was, when it was asked
            told.get("story", {}).pop("headline", None)
        assert answers[path] == expected, path
    check_schema("ValueList", listed)
    paging = {"total": 3, "page": 1, "pages": 1, "per_page": 100, "next": None, "prev": None}
    assert {key: listed.pop(key) for key in paging} == paging
    assert listed.pop("counts")["unreadable"] == 1
    assert listed == printed("list")
    assert "hunter2" not in json.dumps(answers)


async def test_the_description_is_valid_and_the_list_has_pages(
    kept: ChartRepository[Parcel], opened: Any
) -> None:
    async with opened(kept) as client:
        described = (await client.get("/api/v1/openapi.json")).json()
        first = await client.get("/api/v1/values?per_page=2&sort=name")
        second = await client.get(first.json()["next"])
        beyond = await client.get("/api/v1/values?page=9")
        sent = await client.get("/api/v1/values?state=sent")

    validate(described)
    assert described == DESCRIPTION
    assert [*described["paths"]] == [call.path for call in API.calls]
    assert [each["name"] for each in first.json()["values"]] == ["A-1", "A-2"]
    assert [each["name"] for each in second.json()["unreadable"]] == ["A-3"]
    assert first.links["last"]["url"] == first.json()["next"]
    assert (beyond.json()["values"], beyond.json()["total"]) == ([], 3)
    assert [each["name"] for each in sent.json()["values"]] == ["A-1"]


async def test_an_unchanged_answer_is_not_sent_again(kept: ChartRepository[Parcel], opened: Any) -> None:
    async with opened(kept) as client:
        first = await client.get("/api/v1/values/A-2")
        tag = {"if-none-match": f'"other", {first.headers["etag"]}'}
        again = await client.get("/api/v1/values/A-2", headers=tag)
        kept.fire("A-2", ParcelChart.lose)
        changed = await client.get("/api/v1/values/A-2", headers=tag)

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed.json()["state"]) == (200, "lost")


async def test_wrong_questions_are_refused_with_a_document(
    kept: ChartRepository[Parcel], opened: Any
) -> None:
    refusals = {
        "/api/v1/values/A-1?at=soon": (400, "usage"),
        "/api/v1/values/A-1?at=99999999999999999999999999": (404, "no_such_moment"),
        "/api/v1/values/A-9?at=1": (404, "not_found"),
        "/api/v1/values/A-9/history": (404, "not_found"),
        "/api/v1/values/a%00b/why": (404, "invalid_name"),
        "/api/v1/values/A-1/diagram?format=png": (400, "invalid_parameter"),
        "/api/v1/values/A-1/diagram?format=svg;x": (400, "invalid_parameter"),
        "/api/v1/values/A-1?ta=1": (400, "unknown_parameter"),
        "/api/v1/values?sate=sent": (400, "unknown_parameter"),
        "/api/v1/values?state=snet": (400, "unknown_state"),
        "/api/v1/values?page=0": (400, "invalid_parameter"),
        "/api/v1/nothing": (404, "not_found"),
    }
    async with opened(kept) as client:
        for path, told in refusals.items():
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == told, path
        assert (await client.post("/api/v1/values/A-1")).status_code == 405


async def test_the_metrics_can_be_read_by_prometheus(kept: ChartRepository[Parcel], opened: Any) -> None:
    async with opened(kept) as client:
        answer = await client.get("/metrics")

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert samples["statechart_values", "ParcelChart", "sent"] == 1
    assert samples["statechart_values_by_class", "ParcelChart", "unreadable"] == 1
    assert samples["statechart_effects_due", "ParcelChart", "failed"] == 1
    assert samples["statechart_effects_due", "ParcelChart", "none"] == 0
    assert samples["statechart_changes", "ParcelChart"] == 3
