"""Secrets are found in the encodings of programs, as their own tools produce them."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings, strategies as st

from environments.secrets.redaction import clean
from environments.secrets.search import SecretSearch

SECRET = "a b/c&d=\"e\"'f'+é\\<g>"


def go_json(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return re.sub("[&<>\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", written)


def in_numbers(text: str) -> str:
    return re.sub("[&<>'\"]", lambda found: f"&#{ord(found[0])};", text)


def data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def coloured(text: str) -> str:
    middle = len(text) // 2
    return f"\x1b[1;31m{text[:middle]}\x1b[0m{text[middle:]}\x1b[K"


ENCODERS: dict[str, Callable[[str], str]] = {
    "verbatim": str,
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON of Go": go_json,
    "JSON with slashes": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON for HTML": lambda text: go_json(text).replace("'", r"\u0027").replace("+", r"\u002B"),
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda text: repr(data(text)),
    "shell": shlex.quote,
    "shell's backslashes": lambda text: re.sub(r"([^\w\n])", r"\\\1", text, flags=re.ASCII),
    "octal": lambda text: "".join(chr(b) if 31 < b < 127 and b != 92 else f"\\{b:03o}" for b in data(text)),
    "YAML and SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "CSV": lambda text: '"' + text.replace('"', '""') + '"',
    "URL": lambda text: quote(data(text), safe=""),
    "URL with slashes": lambda text: quote(data(text)),
    "URL in small letters": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(data(text))),
    "form": lambda text: quote_plus(data(text)),
    "HTML": html.escape,
    "HTML in numbers": in_numbers,
    "HTML in hexadecimal": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "XML": lambda text: quoteattr(text, {"'": "&apos;"}),
    "Base64": lambda text: base64.b64encode(data(text)).decode(),
    "Base64 of URLs": lambda text: base64.urlsafe_b64encode(data(text)).decode(),
    "Base64 in lines of 76": lambda text: base64.encodebytes(data(text)).decode(),
    "Base64 in lines of 64": lambda text: "\r\n".join(
        textwrap.wrap(base64.b64encode(data(text)).decode(), 64)
    ),
    "Basic": lambda text: "Basic " + base64.b64encode(data(f"ann:{text}")).decode(),
    "colours": coloured,
}
# No white space in a row: around a line, none is hidden.
SECRETS = st.text(
    st.sampled_from("&<>'\"/+=%\\ \n$`!#;{}[]aZ09éß漢😀")
    | st.characters(codec="utf-8", exclude_categories=["C"]),
    min_size=24,
).map(lambda text: re.sub(r"(\s)\s+", r"\1", f"{text}Z").strip())


def left_of(encoded: str, secret: str) -> str:
    """Return what redaction leaves of a text that is nothing but a secret, encoded."""
    left = clean(encoded, SecretSearch([secret]).redact)
    assert "***" in left, left
    return re.sub(r"\*{3}|\s", "", left)


@settings(max_examples=100)
@given(SECRETS, st.sampled_from(sorted(ENCODERS)), st.sampled_from(sorted(ENCODERS)))
@example(SECRET, "JSON", "JSON")
@example("k3y/" * 40, "URL", "Base64 in lines of 76")
def test_a_secret_is_hidden_in_any_two_encodings(secret: str, inner: str, outer: str) -> None:
    encoded = ENCODERS[outer](ENCODERS[inner](secret))

    # Quotes stay, and in Base64 the characters that hold bits of the neighbours, too.
    rest = ENCODERS[outer](ENCODERS[inner]('""'))
    assert len(left_of(encoded, secret)) <= len(rest) + 24, (encoded, left_of(encoded, secret))


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_a_secret_is_hidden_in_each_encoding(encoder: Callable[[str], str]) -> None:
    for secret in (SECRET, "amp&lt<gt>tail99", "abc/def/ghi+jk12", 'dq"in\\side99', "it's-a\"secret&99"):
        left = clean(f"said {encoder(secret)}; more", SecretSearch([secret]).redact)

        assert left.startswith("said ")
        assert left.endswith("; more")
        assert len(left) < len("said ; more") + 20, left


@pytest.mark.parametrize("secret", ["Pa\x01ssw0rd\x7f-99XY", "q7\x1b[31mZx9Lm2abc", "a\x85bc\x9b2Jdefgh"])
def test_a_secret_with_control_codes_is_hidden_with_and_without_them(secret: str) -> None:
    redact = SecretSearch([secret]).redact

    assert redact(f"<{secret}>") == "<***>"
    assert clean(f"<{secret}>", redact) == "<***>"
    assert clean(f"<{clean(secret, str)}>", redact) == "<***>"
    assert clean(f"<{coloured(secret)}>", redact) == "<***>"


def test_bidirectional_controls_do_not_hide_a_secret() -> None:
    redact = SecretSearch(["hunter2-é漢"]).redact

    assert redact("<hun\u202eter2\u202c-é\u2066漢>") == "<***>"


@pytest.mark.parametrize("width", [64, 76, 60])
@pytest.mark.parametrize("before", ["", "ann:", "x" * 100])
def test_each_line_of_base64_is_hidden_by_itself(width: int, before: str) -> None:
    secret = "".join(f"{number}-correct-horse;" for number in range(12))
    redact = SecretSearch([secret]).redact
    encoded = base64.b64encode(f"{before}{secret}!".encode()).decode()

    lines = [redact(f"12:00 app: {line}") for line in textwrap.wrap(encoded, width)]

    longest = max(len(line) for line in lines[len(before) // 40 + 1 : -1])
    assert longest <= len("12:00 app: ****") + 2, lines


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=9).filter(lambda text: text == text.strip()),
    before=st.binary(max_size=9),
    after=st.binary(max_size=9),
)
def test_a_secret_is_found_anywhere_in_base64(secret: str, before: bytes, after: bytes) -> None:
    redact = SecretSearch([secret]).redact
    whole = before + secret.encode() + after

    assert "***" in redact(base64.b64encode(whole).decode())
    assert "***" in redact(base64.urlsafe_b64encode(whole).decode())


def test_undecodable_bytes_of_a_variable_are_found_in_stored_text() -> None:
    odd = b"hunter\xff2".decode("utf-8", "surrogateescape")
    stored = odd.encode("utf-8", "backslashreplace").decode()

    assert SecretSearch([odd]).redact(f"<{stored}> <{odd}>") == "<***> <***>"


def test_other_text_stays() -> None:
    text = "nothing of it & 100 % \\ &amp; %41 \\u0041 is <here>: aGVsbG8gd29ybGQ=\n" * 3

    assert SecretSearch([SECRET, "short", "x" * 100]).redact(text) == text


def test_a_query_is_hidden() -> None:
    assert SecretSearch([SECRET]).redact(urlencode({"p": SECRET, "q": 1})) == "p=***&q=1"


@pytest.mark.parametrize("piece", ["\\", "&amp;", "%25", "A", "AAAAAAAA\n", "\x1b", "'\"'\"'", "é"])
def test_a_long_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    text = piece * 50_000

    assert SecretSearch([SECRET, "k3y/" * 40]).redact(text) == text
