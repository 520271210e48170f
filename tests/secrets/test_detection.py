"""Values that look like secrets, and values that do not."""

from __future__ import annotations

import pytest

from environments.secrets.detection import (
    names_secret,
    secret_in,
    secret_in_argument,
    secret_in_query,
    secret_under,
)

NAMES = [
    "PASSWORD",
    "DB_PASSWORD",
    "PGPASSWORD",
    "dbPassword",
    "MYSQL_ROOT_PASSWD",
    "SSH_PASSPHRASE",
    "SECRET",
    "CLIENT_SECRET",
    "TOKEN",
    "GITHUB_TOKEN",
    "authToken",
    "TOKEN_2",
    "PASSWORD1",
    "APIKEY",
    "API_KEY",
    "STRIPE_API_KEY",
    "apiKey",
    "AWS_SECRET_ACCESS_KEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "GOOGLE_CREDENTIALS",
]
HARMLESS_NAMES = [
    "TOKENIZER",
    "MAX_TOKENS",
    "TOKENS",
    "PASSWORD_FILE",
    "SECRET_NAME",
    "TOKEN_URL",
    "PASSWORD_MIN_LENGTH",
    "SECRETARY",
    "KEY",
    "KEYS",
    "CACHE_KEY",
    "PUBLIC_KEY",
    "AWS_ACCESS_KEY_ID",
    "CREDENTIALS_DIRECTORY",
    "KEYBOARD",
    "GREETING",
    "PASS",
    "PASSPORT",
    "API_KEY_HEADER",
    "PATH",
    "X1",
    "_",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_ends_in_a_word_for_a_secret_names_a_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_name_that_only_contains_a_word_for_a_secret_names_no_secret(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    "value", ["", "true", "NO", "0", "${DB_PASSWORD}", "<from the vault>", "{{ token }}"]
)
def test_switches_and_placeholders_are_no_secrets(value: str) -> None:
    assert secret_under("DB_PASSWORD", value) is None
    assert secret_under("DB_PASSWORD", "hunter2") == "its name says that it is a secret"


@pytest.mark.parametrize(
    "text",
    [
        "postgres://ann:hunter2@db:5432/app",
        "url = redis://:hunter2@cache",
        "AMQP://ann:a@b@host",
        "https://x-access-token:ghp_1@example.org/repo.git\nhttp://plain",
    ],
)
def test_a_url_with_a_password_is_found_anywhere_in_a_text(text: str) -> None:
    assert secret_in(text) == "it contains a URL with a password"
    assert secret_in_argument(text) == "it contains a URL with a password"
    assert secret_under("DATABASE_URL", text) == "it contains a URL with a password"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080/path@home",
        "postgres://ann@db/app",
        "postgres://ann:${PASSWORD}@db/app",
        "postgres://ann:{password}@db/app",
        "see http://host:80, or ask ann@example.org",
        '["http://host:80","ann@example.org"]',
        "ann:hunter2@host",
        "10:30@home",
    ],
)
def test_a_url_without_a_password_is_no_secret(text: str) -> None:
    assert secret_in(text) is None


def test_a_long_word_is_searched_in_linear_time() -> None:
    # Quadratic time would take minutes.
    assert secret_in("x" * 1_000_000 + " postgres://ann@db " + "y:" * 500_000) is None


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_private_key_is_a_secret(kind: str) -> None:
    assert secret_in(f"x\n-----BEGIN {kind}PRIVATE KEY-----\nMII\n") == "it contains a private key"


@pytest.mark.parametrize("kind", ["PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY"])
def test_a_public_key_is_no_secret(kind: str) -> None:
    assert secret_in(f"-----BEGIN {kind}-----\nMII\n") is None


@pytest.mark.parametrize(
    "word", ["--password=hunter2", "-token=x", "DB_PASSWORD=hunter2", "--db-password=x"]
)
def test_an_option_with_a_secret_is_a_secret(word: str) -> None:
    assert secret_in_argument(word)


@pytest.mark.parametrize(
    "word", ["--password-file=x", "--password", "password", "--port=80", "--token=", "a=b"]
)
def test_other_arguments_of_a_command_are_no_secrets(word: str) -> None:
    assert secret_in_argument(word) is None


def test_a_secret_in_a_query_is_found() -> None:
    assert secret_in_query("/health?quick=1&api_key=hunter2") == "it contains the secret api_key"
    assert secret_in_query("/health?quick=1&token=") is None
    assert secret_in_query("/health/token") is None
