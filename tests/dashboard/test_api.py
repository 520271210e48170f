"""The API answers with the documents of `--json`, about environments in all states."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.applications import Starlette
from starlette.routing import Mount

from environments import EnvironmentSpec, FileRepository, Workspace
from environments.dashboard import asgi_app
from environments.dashboard.api.calls import API, CALLS
from environments.model.command_name import CommandName
from environments.model.operation import Operation
from environments.model.records import OperationRecord
from environments.overview.row import GROUPS
from environments.storage.memory import MemoryRepository
from environments.testing import ScriptedSpec
from statechart.dashboard.api.openapi import description
from statechart.dashboard.charts.api import CALLS as CALLS_OF_CHARTS
from statechart.dashboard.charts.rows import GROUPS as CLASSES
from statechart.holder import Holder
from statechart.storage.segments.size import Segment
from tests.cli.conftest import Cli
from tests.dashboard.states import UNREADABLE, at_work, make_states

COMMANDS = {
    "": ("show",),
    "?at=1": ("history", "--at", "1"),
    "?at=2": ("history", "--at", "2"),
    "?at=99": ("history", "--at", "99"),
    "?at=2026-13-01": ("history", "--at", "2026-13-01"),
    "/history": ("history",),
    "/why": ("why",),
    "/chart": ("diagram", "--of"),
    "/chart?format=svg": ("diagram", "--format", "svg", "--of"),
    "/log": ("logs",),
    "/log?lines=1": ("logs", "-n", "1"),
    "/trace": ("logs", "--trace"),
}
"""Each path about one environment, with the command that prints its document."""

ALIKE = ("?at=2", "?at=99", "?at=2026-13-01", "/chart?format=svg", "/log", "/log?lines=1", "/trace")
"""Paths of which a few environments tell enough."""

DESCRIPTION = description(API)

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "dashboard-api.md"


@asynccontextmanager
async def api(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Ask an application without a server."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def ask(workspace: Workspace, *paths: str) -> list[httpx.Response]:
    """Ask the API for paths, one after the other."""

    async def asked() -> list[httpx.Response]:
        app = asgi_app(workspace)
        async with api(app) as asking:
            answers = [await asking.get(f"/api/v1{path}") for path in paths]
        await app.following.stop()
        return answers

    return asyncio.run(asked())


def check_schema(name: str, document: object) -> None:
    """Check that a document is what the description says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)


def at_rest(document: Any) -> Any:
    """Return a document without the durations of what is under way, which grow."""
    if isinstance(document, dict) and document.get("pace"):
        document = {**document, "pace": {**document["pace"], "elapsed": None, "step_elapsed": None}}
    return json.loads(re.sub(r': [^:"]* so far[^"]*', "", json.dumps(document)))


def printed(cli: Cli, data: Path, *words: str) -> Any:
    return cli(*words, "--json", "--data-dir", data).document


def test_every_answer_is_the_document_that_the_command_prints(cli: Cli, data: Path) -> None:
    names = [*make_states(data), "missing", "not--a-name"]
    few = ("failed", "redeployed", "working", "missing")
    paths = [(name, path) for name in names for path in COMMANDS if path not in ALIKE or name in few]

    with at_work(data):
        answers = ask(Workspace(data), *(f"/environments/{name}{path}" for name, path in paths))
        expected = [printed(cli, data, *COMMANDS[path], name) for name, path in paths]

    schemas = {call.path.removeprefix("/environments/{name}"): call.schema for call in CALLS}
    for (name, path), answer, document in zip(paths, answers, expected, strict=True):
        assert at_rest(answer.json()) == at_rest(document), f"{name}{path}"
        is_error = "error" in document
        assert (answer.status_code >= 400) is is_error, f"{name}{path}"
        check_schema("Error" if is_error else schemas[path.partition("?")[0]], document)
    told = {
        name: answer.status_code for (name, path), answer in zip(paths, answers, strict=True) if not path
    }
    assert {name for name, status in told.items() if status == 503} == {*UNREADABLE}
    assert {name for name, status in told.items() if status == 404} == {"missing", "not--a-name"}


def test_the_list_is_that_of_the_command_on_pages(cli: Cli, data: Path) -> None:
    names = make_states(data)

    with at_work(data):
        whole, *pages = ask(
            Workspace(data),
            "/environments?sort=name",
            *(f"/environments?sort=name&per_page=5&page={page}" for page in (1, 2, 3, 4, 5)),
        )
        expected = printed(cli, data, "list")

    document = whole.json()
    assert {key: document[key] for key in expected} == expected
    assert document["total"] == len(names) == sum(document["counts"].values())
    check_schema("EnvironmentList", document)
    listed = [
        each["name"]
        for page in pages
        for part in ("environments", "unreadable")
        for each in page.json()[part]
    ]
    assert sorted(listed) == names
    assert pages[0].json()["prev"] is None
    assert pages[1].json()["prev"] == "/api/v1/environments?sort=name&per_page=5"
    assert pages[1].json()["next"] == "/api/v1/environments?sort=name&page=3&per_page=5"
    assert pages[1].links["next"]["url"] == pages[1].json()["next"]
    assert pages[4].json()["environments"] == []
    assert pages[4].json()["next"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=corrupt", {"corrupt"}),
        ("group=unreadable", {*UNREADABLE} - {"foreign"}),  # a list needs no provider
        ("label=team=web&label=stage=test", {"working"}),
        ("label=team=app", set()),
        ("class=destroyed&provider=local", {"destroyed"}),
        ("q=+WORKING++created+", {"working"}),
    ],
)
def test_the_list_is_searched_and_filtered(data: Path, query: str, names: set[str]) -> None:
    make_states(data)

    (answer,) = ask(Workspace(data), f"/environments?{query}")

    document = answer.json()
    assert {each["name"] for each in [*document["environments"], *document["unreadable"]]} == names
    assert document["total"] == len(names)


BAD = [
    ("/environments?page=abc", 400, "invalid_parameter", "page is 'abc', and has to be a whole number"),
    ("/environments?page=0", 400, "invalid_parameter", "from 1 to 1000000"),
    ("/environments?page=" + "9" * 300, 400, "invalid_parameter", "more than 200 characters"),
    ("/environments?page=%D9%A1", 400, "invalid_parameter", "a whole number"),
    ("/environments?per_page=1001", 400, "invalid_parameter", "from 1 to 1000"),
    ("/environments?page=1&page=2", 400, "invalid_parameter", "page is given 2 times"),
    ("/environments?" + "&".join(["label=a=b"] * 11), 400, "invalid_parameter", "at most 10"),
    ("/environments?gruop=failed", 400, "unknown_parameter", "did you mean 'group'?"),
    ("/environments?group=fialed", 400, "invalid_parameter", "did you mean 'failed'?"),
    ("/environments?sort=", 400, "invalid_parameter", "one of attention, since, name"),
    ("/environments?label=team", 400, "invalid_parameter", "KEY=VALUE, as in label=team=web"),
    ("/environments/web/log?lines=-1", 400, "invalid_parameter", "from 0 to 10000"),
    ("/environments/web/chart?format=png", 400, "invalid_parameter", "one of mermaid"),
    ("/environments/web/why?at=1", 400, "unknown_parameter", "it takes none"),
    ("/environments/web?at=" + "x" * 150, 400, "usage", "neither a revision"),
    ("/environments/web?at=-5", 404, "no_such_moment", "did not exist"),
    ("/environments/web?at=1999-01-01", 404, "no_such_moment", "did not exist"),
    ("/environments/..%2F..%2Fetc", 404, "not_found", "the API has no such path"),
    ("/environments/%2e%2e", 404, "invalid_name", "invalid environment name"),
    ("/environments/.locks", 404, "invalid_name", "invalid environment name"),
    ("/environments/%00", 404, "invalid_name", "invalid environment name"),
    ("/environments/" + "a" * 3000, 404, "invalid_name", "invalid environment name"),
    ("/environments/web/", 404, "not_found", "the API has no such path"),
    ("/openapi.json?x=1", 400, "unknown_parameter", "it takes none"),
]


def test_bad_input_is_an_error_with_a_next_action(web: Workspace) -> None:
    answers = ask(web, *(path for path, *_ in BAD))

    for (path, status, code, said), answer in zip(BAD, answers, strict=True):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code), path
        assert said in error["message"]
        assert error["next"]
        check_schema("Error", answer.json())


@pytest.fixture
def web(data: Path) -> Workspace:
    """A workspace with an environment of scripted steps."""
    workspace = Workspace(data)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    return workspace


async def test_only_reading_is_allowed(web: Workspace) -> None:
    app = asgi_app(web)
    async with api(app) as asking:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await asking.request(method, "/api/v1/environments/web")
            assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    await app.following.stop()


async def test_a_tag_spares_what_the_client_has(web: Workspace) -> None:
    paths = [
        *(call.path.replace("{name}", "web") for call in CALLS),
        "/environments/web?at=1",
        "/openapi.json",
    ]
    app = asgi_app(web)
    async with api(app) as asking:
        for path in (f"/api/v1{each}" for each in paths):
            first = await asking.get(path)
            tag = first.headers["etag"]
            for known in (tag, f'"other", W/{tag}', "*"):
                again = await asking.get(path, headers={"If-None-Match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            other = await asking.get(path, headers={"If-None-Match": tag[:-2] + '"'})
            assert other.status_code == 200
            head = await asking.head(path, headers={"Accept-Encoding": "identity"})
            assert (head.status_code, head.content) == (200, b"")
            assert (head.headers["etag"], head.headers["content-length"]) == (tag, str(len(first.content)))
    await app.following.stop()


def test_the_tag_of_an_environment_changes_with_its_record_and_its_holder(data: Path) -> None:
    make_states(data)
    workspace = Workspace(data)

    def tagged() -> tuple[str, str]:
        (answer,) = ask(workspace, "/environments/working")
        document = answer.json()
        return answer.headers["etag"], f'"{document["lineage"]}-{document["revision"]}-'

    at_rest, beginning = tagged()
    assert at_rest == f'{beginning}1"'
    with at_work(data):
        working, beginning = tagged()
        assert working.startswith(f"{beginning}3-")  # the step raises the number of the record
    died, beginning = tagged()
    assert died.startswith(f"{beginning}3-")
    assert len({at_rest, working, died}) == 3


def test_missing_segments_are_named_as_the_command_does(cli: Cli, data: Path) -> None:
    repository = FileRepository(data, segment=Segment(records=5))
    workspace = Workspace(repository=repository)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    for command in (workspace.provision, workspace.configure, workspace.release):
        asyncio.run(command("web"))
    lost = repository.segments("web")[0].path
    lost.rename(lost.with_name("away"))

    answers = ask(workspace, *(f"/environments/web{path}" for path in COMMANDS))

    assert "missing" in answers[list(COMMANDS).index("/history")].json()
    for words, answer in zip(COMMANDS.values(), answers, strict=True):
        assert answer.json() == printed(cli, data, *words, "web")


def test_a_secret_is_not_told(cli: Cli, data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2-hunter2\n")
    app = Path(__file__).parents[2] / "examples" / "hello"
    ran = cli("create", "web", "--app", app, "--data-dir", data, "--env", f"TOKEN=@file:{secret}")
    assert ran.code == 0, ran.err
    (data / "web" / "traces").mkdir()
    (data / "web" / "traces" / "1-run.log").write_text("it said hunter2-hunter2 aloud\n")
    (data / "web" / "local").mkdir()
    (data / "web" / "local" / "service.log").write_text("hunter2-hunter2\n")

    # Recorded before the value became a secret.
    at, holder = datetime.now(UTC), Holder.current("test")
    with FileRepository(data).open("web", holder) as session:
        operation = Operation(id="op", command=CommandName.PROVISION, started_at=at, holder=holder)
        opened = session.environment.with_operation(operation, at=at)
        session.commit(OperationRecord(change="opened", reason="for hunter2-hunter2", environment=opened))

    paths = ["", "/log", "/trace", "/why", "/history", "?at=2"]
    answers = ask(Workspace(data), *(f"/environments/web{path}" for path in paths))

    assert [path for path, answer in zip(paths, answers, strict=True) if "hunter2" in answer.text] == []
    assert answers[2].json()["trace"].startswith("it said ")
    assert answers[4].json()["history"][-1]["reason"].startswith("for ")


def test_the_store_may_be_another_than_files(tmp_path: Path) -> None:
    workspace = Workspace(repository=MemoryRepository(tmp_path / "memory"))
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    asyncio.run(workspace.provision("web"))

    for call in CALLS:
        (answer,) = ask(workspace, call.path.replace("{name}", "web"))
        assert answer.status_code == 200, answer.text
        check_schema(call.schema, answer.json())


def test_an_environment_that_vanishes_is_not_found(web: Workspace, data: Path) -> None:
    (data / "web").rename(data.parent / "away")

    answers = ask(web, *(f"/environments/web{path}" for path in COMMANDS if "at=2026" not in path))

    assert {answer.status_code for answer in answers} == {404}
    data.rename(data.parent / "data-away")
    answers = ask(web, "/environments", "/environments/web")
    assert [answer.status_code for answer in answers] == [200, 404]


def test_the_description_is_valid_and_names_every_route(web: Workspace) -> None:
    (answer,) = ask(web, "/openapi.json")

    document = answer.json()
    validate(document)
    assert [*document["paths"]] == [call.path for call in CALLS]
    assert document["servers"] == [{"url": "/api/v1"}]
    ids = [path["get"]["operationId"] for path in document["paths"].values()]
    assert len(set(ids)) == len(ids)


async def test_within_another_application_the_addresses_say_where(web: Workspace) -> None:
    app = asgi_app(web)
    async with api(Starlette(routes=[Mount("/tools", app)])) as asking:
        listed = await asking.get("/tools/api/v1/environments?per_page=1")
        described = await asking.get("/tools/api/v1/openapi.json")
    await app.following.stop()

    assert listed.links["first"]["url"] == "/tools/api/v1/environments?per_page=1"
    assert described.json()["servers"] == [{"url": "/tools/api/v1"}]


def test_an_unusable_data_directory_is_an_error_of_the_command(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = cli("dashboard", "--data-dir", "file", "--json")

    assert (ran.code, ran.error["code"]) == (7, "storage")


def test_the_reference_has_every_path_and_parameter() -> None:
    page = REFERENCE.read_text()

    for call in (*CALLS, *CALLS_OF_CHARTS):
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{call.path}` ")]
        named = [parameter.name for parameter in call.parameters]
        assert re.findall(r"`(\w+)`", row.split(" | ")[2]) == named
        assert all(f"| `{name}` | " in page for name in named)
    assert [group for group in (*GROUPS, *CLASSES) if f"`{group}`" not in page] == []


def test_large_traces_and_odd_logs_are_answered(data: Path) -> None:
    make_states(data)
    failure = Workspace(data).load("failed").failure
    assert failure is not None
    trace = data / "failed" / str(failure.trace_file)
    trace.parent.mkdir()
    trace.write_bytes(b"\x1b[31mhalf \xc3\n" * 400_000)
    (data / "redeployed" / "local" / "service.log").write_bytes(b"x" * (17 << 20) + b"\nlast\n")

    told, log = ask(Workspace(data), "/environments/failed/trace", "/environments/redeployed/log")

    assert len(told.json()["trace"]) == 400_000 * len("\x1b[31mhalf \ufffd\n")
    assert log.json()["lines"] == ["last"]
