"""The encodings of a secret, as their own tools produce them."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, strategies as st

from environments.secrets.encodings import written_forms

SECRET = "a b/c&d=\"e\"'f'+é\\<g>"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"  {SECRET}\n",
        f"https://ann:{quote(SECRET, safe='')}@host",
        f"https://ann:{quote(SECRET)}@host",
        quote_plus(SECRET),
        quote(SECRET, safe="")
        .replace("%2F", "%2f")
        .replace("%3D", "%3d")
        .lower()
        .replace("%c3%a9", "%c3%a9"),
        urlencode({"password": SECRET}),
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        repr([SECRET]),
        ascii(SECRET),
        shlex.quote(SECRET),
        html.escape(f"<p>{SECRET}</p>"),
    ],
)
def test_a_secret_is_recognised_in_the_encodings_of_programs(written: str) -> None:
    assert any(form in written for form in written_forms(SECRET))


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=9).filter(lambda text: text == text.strip()),
    before=st.binary(max_size=9),
    after=st.binary(max_size=9),
)
def test_a_secret_is_recognised_anywhere_in_base64(secret: str, before: bytes, after: bytes) -> None:
    data = before + secret.encode() + after

    assert any(form in base64.b64encode(data).decode() for form in written_forms(secret))
    assert any(form in base64.urlsafe_b64encode(data).decode() for form in written_forms(secret))


def test_undecodable_bytes_of_a_variable_are_recognised_in_stored_text() -> None:
    odd = b"hunter\xff2".decode("utf-8", "surrogateescape")

    assert odd.encode("utf-8", "backslashreplace").decode() in written_forms(odd)


def test_other_text_is_not_recognised() -> None:
    assert not any(form in "nothing of it is here" for form in written_forms(SECRET))
