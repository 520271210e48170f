"""Exported specs: what is written is read as an equal spec, and written again as the same bytes."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from environments.configuration.spec_file import load_spec
from environments.configuration.spec_text import spec_text
from environments.configuration.yaml_document import parse_yaml
from environments.configuration.yaml_text import block
from environments.model.spec import EnvironmentSpec

HELLO = Path(__file__).parents[2] / "examples" / "hello"

WORDS = r"""yes y On null ~ 1e3 012 1:30 0x1f 2030-01-01 << = {a} [ *a &a !a %a @a ` ' " \ .5 1_000 0b1 .inf
    . --- ... a: ? é😀"""
ODD = st.sampled_from(
    [
        *WORDS.split(),
        *(
            "- a",
            "a: b",
            "a #b",
            "# a",
            "? a",
            "",
            " ",
            " a",
            "a ",
            "\n",
            "\t",
            "\r\n",
            "\u2028",
            "\ufeff",
            "\x1b[1m",
        ),
        *(
            "a\n",
            "\na",
            "a\n\n",
            "a\n b\n",
            "a\tb\n",
            "a\n  \n",
            "a\n  ",
            "\x85a\nb",
            "a\n---\nb",
            "a\n...\n",
        ),
    ]
)
TEXTS = ODD | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SECRETS = st.builds(lambda word: {"env": word}, st.text(string.ascii_letters, min_size=1, max_size=5))
NAMES = st.from_regex(r"[A-Z_]{1,6}", fullmatch=True).filter(
    lambda name: not name.startswith(("ENVCHART", "PORT"))
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
SECONDS = st.integers(1, 10**12).map(lambda micro: timedelta(microseconds=micro))
MOMENTS = st.datetimes(datetime(2030, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
LOCAL = st.fixed_dictionaries(
    {"kind": st.just("local"), "app": st.just(str(HELLO))},
    optional={
        "env": st.dictionaries(NAMES.filter(lambda name: name != "HOST"), TEXTS | SECRETS, max_size=3),
        "files": st.dictionaries(st.sampled_from(["settings.ini", "a/b: c", "1"]), TEXTS, max_size=2),
        "command": st.lists(TEXTS.filter(bool), max_size=3),
        "start_timeout": SECONDS,
        "port": st.integers(1, 65535),
    },
)
TERRAFORM = st.fixed_dictionaries(
    {
        "kind": st.just("terraform"),
        "app": st.just(str(HELLO)),
        "directory": st.just("/module"),
        "ssh": st.fixed_dictionaries({"key": st.just("/key")}, optional={"become": st.booleans()}),
    },
    optional={
        "variables": st.dictionaries(TEXTS, VALUES | SECRETS, max_size=3),
        "service": st.fixed_dictionaries({}, optional={"port": st.integers(1, 65535), "settle": SECONDS}),
        "vault_password": SECRETS,
    },
)
SPECS = st.fixed_dictionaries(
    {"name": st.just("web"), "provider": LOCAL | TERRAFORM},
    optional={
        "description": TEXTS,
        "instance_name": st.just("other"),
        "expires": SECONDS | MOMENTS,
        "labels": st.dictionaries(
            st.sampled_from(["team", "1", "a.b/c", "yes"]), st.sampled_from(["", "no", "1"])
        ),
    },
).map(EnvironmentSpec.model_validate)


def read_again(spec: EnvironmentSpec, directory: Path) -> None:
    file = directory / "env.yaml"
    file.write_text(spec_text(spec), encoding="utf-8", newline="")

    again = load_spec(file)

    assert again == spec
    assert spec_text(again) == spec_text(spec)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


@given(spec=SPECS)
@settings(max_examples=25)
def test_an_exported_spec_is_read_as_an_equal_spec(directory: Path, spec: EnvironmentSpec) -> None:
    read_again(spec, directory)


@pytest.mark.soak
@given(spec=SPECS)
@settings(max_examples=3000, derandomize=False)
def test_an_exported_spec_is_read_as_an_equal_spec_long(directory: Path, spec: EnvironmentSpec) -> None:
    read_again(spec, directory)


@given(value=st.dictionaries(TEXTS, VALUES, max_size=4))
@example(value={"": {}, "a": {"b": [], "c": [{}, [1.5e300, "- a"]]}})
@settings(max_examples=30)
def test_any_json_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    if value:
        assert parse_yaml("\n".join(block(value)).encode()).content == value


def test_an_exported_spec_is_short_and_easy_to_read() -> None:
    spec = EnvironmentSpec.model_validate(
        {
            "name": "web",
            "labels": {"team": "web"},
            "expires": "48h",
            "provider": {
                "kind": "local",
                "app": "/srv/app",
                "env": {"GREETING": "Hello", "DEBUG": "yes", "KEY": {"file": "/run/key"}},
                "files": {"settings.ini": "[log]\nlevel = info\n"},
                "start_timeout": 90,
            },
        }
    )

    assert spec_text(spec) == (
        "# The environment web, exported by envchart; to create it: envchart create --file FILE\n"
        "name: web\n"
        "labels:\n"
        "  team: web\n"
        'expires: "2d"\n'
        "provider:\n"
        "  kind: local\n"
        "  app: /srv/app\n"
        "  env:\n"
        "    GREETING: Hello\n"
        '    DEBUG: "yes"\n'
        "    KEY: {file: /run/key}\n"
        "  files:\n"
        "    settings.ini: |\n"
        "      [log]\n"
        "      level = info\n"
        "  start_timeout: 90\n"
    )
