"""Excerpts of logs and traces: bounded, and without secrets and control codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.model.environment import AnyEnvironment, Environment
from environments.model.spec import EnvironmentSpec
from environments.presentation.excerpts import LIMIT, Excerpt, log_excerpt, trace_excerpt
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef
from environments.testing import FixedClock
from statechart.errors import NotOurs

SECRET = "hunter2-and-some-more"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnyEnvironment:
    monkeypatch.setenv("PASSWORD", SECRET)
    provider = LocalProvider(app=tmp_path, env={"PASSWORD": SecretRef(env="PASSWORD")})
    return Environment.new(EnvironmentSpec(name="web", provider=provider), FixedClock().now())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "data" / "web"
    (directory / "local").mkdir(parents=True)
    (directory / "traces").mkdir()
    return directory


def log(
    environment: AnyEnvironment, directory: Path, content: bytes, lines: int = 200, limit: int = LIMIT
) -> Excerpt:
    (directory / "local" / "service.log").write_bytes(content)
    return log_excerpt(environment, directory, lines, limit)


def test_a_log_is_cut_at_whole_lines(environment: AnyEnvironment, directory: Path) -> None:
    assert log(environment, directory, b"").lines == []
    assert log(environment, directory, b"one\ntwo\nthree\n", 2).lines == ["two", "three"]
    assert log(environment, directory, b"one\ntwo", 0).lines == []

    content = b"".join(b"%d\n" % number for number in range(100_000))
    found = log(environment, directory, content, 10**9)

    assert found.lines[-1] == "99999"
    assert found.lines == [str(number) for number in range(int(found.lines[0]), 100_000)]
    assert (found.size, LIMIT - 10 < found.size - found.left_out <= LIMIT) == (len(content), True)


def test_what_a_log_says_can_not_act_on_a_page(environment: AnyEnvironment, directory: Path) -> None:
    found = log(environment, directory, b"\x1b[31mred\x1b[0m \xff\xc3 \x00\x07\xe2\x80\xae done\n")

    assert found.text == "red \ufffd\ufffd  done"
    assert len(log(environment, directory, b"x" * 10_000).text) == 4_001
    # Of a line that is longer than what is read, no part is shown, as it might begin in a secret.
    assert log(environment, directory, b"x" * (LIMIT + 10)).text == ""


@pytest.mark.parametrize("shift", range(0, len(SECRET) + 2, 3))
def test_no_half_of_a_secret_is_left_at_a_cut(
    environment: AnyEnvironment, directory: Path, shift: int
) -> None:
    limit = 9_000
    behind = b"".join(b"%08d\n" % number for number in range(limit // 9))
    content = b"before\n" + SECRET.encode() + b"\n" + behind
    padding = b"y" * (limit - len(behind) - 1 - shift)
    (directory / "traces" / "1.log").write_bytes(padding + b"\n" + content)

    for text in (
        log(environment, directory, content + padding, limit=limit).text,
        log(environment, directory, content, limit=limit).text,
        trace_excerpt(environment, directory, limit).text,
        log(environment, directory, b"z" * 3_990 + SECRET.encode()).text,
    ):
        assert not any(SECRET[begin : begin + 6] in text for begin in range(len(SECRET) - 6))


def test_of_a_long_trace_the_beginning_and_the_end_are_shown(
    environment: AnyEnvironment, directory: Path
) -> None:
    assert trace_excerpt(environment, directory) == Excerpt()
    trace = directory / "traces" / "1.log"
    trace.write_text("short\n")
    assert trace_excerpt(environment, directory) == Excerpt(trace, "short", 6, 0)

    trace.write_text("what failed\n" + "a line of output\n" * 300_000 + f"the end {SECRET}\n")
    found = trace_excerpt(environment, directory)

    assert found.lines[0] == "what failed"
    assert found.lines[-1] == "the end ***"
    assert len(found.text) <= LIMIT + 100
    assert f"… {found.left_out:,} bytes are left out …" in found.lines


def test_a_link_in_the_place_of_a_file_is_not_followed(
    environment: AnyEnvironment, directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (directory / "local" / "service.log").symlink_to(tmp_path / "theirs")

    with pytest.raises(NotOurs):
        log_excerpt(environment, directory)
