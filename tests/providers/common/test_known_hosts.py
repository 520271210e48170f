"""The file of pinned host keys, as people and OpenSSH may leave it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.known_hosts import known_hosts_line, pin, pinned, read_known_hosts

# They are fixed, for they stand in the names of tests, which all workers have to agree on.
OURS = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINl/ME8/2SExITraLQ1ujCvWH2TIsjXQQ4zXrk+iau89"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOOqzgcgGy6IBHwKz5JRtsaehijJcMUbp2VpKzDhDtSZ"
THIRD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMu2tcSu3HEtHAyYegeJOeNhwGl/LLT1R0JRA3DOzika"


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ssh" / "known_hosts"


def write(file: Path, text: str) -> Path:
    file.parent.mkdir()
    file.write_bytes(text.encode())
    return file


@pytest.mark.parametrize(
    "text",
    [
        f"\n\nweb {OURS}\n",
        f"# remove this line when the host is new\nweb {OURS}\n",
        f"   \n\t\n  # indented\n  web {OURS}  \n",
        f"web {OURS}   \n\n",
        f"web\t{OURS}\n",
        f"web {OURS} root@web\n",
        f"\r\n# a comment\r\nweb {OURS}\r\n",
        f"\ufeffweb {OURS}\n",
        f"web {OURS}",
        f"other {OTHER}\nweb {OURS}\n",
        f"db,web {OURS}\n",
        f"*.example.org,w?b {OURS}\n",
        f"{hashed('web')} {OURS}\n",
        f"web {OURS}\nweb {OTHER}\n",
        f"@revoked web {OTHER}\nweb {OURS}\n",
        f"# a page\f break, and\u2028 another\nweb {OURS}\n",
        f"@cert-authority web {OURS}\n",
        f"web unknown-type AAAA\nweb {OURS}\n",
    ],
)
def test_a_pinned_key_is_found_as_openssh_would_find_it(file: Path, text: str) -> None:
    assert pinned(write(file, text), "web", 22) == OURS


@pytest.mark.parametrize(
    ("line", "host", "port"),
    [
        (f"[web]:2222 {OURS}", "web", 2222),
        (f"{hashed('[web]:2222')} {OURS}", "web", 2222),
        (f"web {OURS}", "web", 2222),
        (f"2001:db8::1 {OURS}", "2001:db8::1", 22),
        (f"[2001:db8::1]:2222 {OURS}", "2001:db8::1", 2222),
    ],
)
def test_a_key_is_found_by_host_and_port(file: Path, line: str, host: str, port: int) -> None:
    assert pinned(write(file, f"{line}\n"), host, port) == OURS


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# nothing\n", f"other {OTHER}\n", f"[web]:2222 {OTHER}\n", f"@revoked web {OTHER}\n"],
)
def test_a_host_without_an_entry_has_no_pinned_key(file: Path, text: str) -> None:
    assert pinned(write(file, text), "web", 22) is None


def test_a_missing_file_pins_no_key(file: Path) -> None:
    assert pinned(file, "web", 22) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("web\n", 1),
        (f"# fine\n\n@unknown web {OURS}\n", 3),
        (f"|1|broken {OURS}\n", 1),
        ("web ssh-ed25519 AAAAdamaged\n", 1),
        (f"{hashed('web')} ssh-ed25519 AAAAdamaged\n", 1),
        (f"web {OURS}\nweb ssh-ed25519-cert-v01@openssh.com AAAA\n", 2),
    ],
)
def test_a_damaged_line_is_named_and_never_taken_for_an_unknown_host(
    file: Path, text: str, number: int
) -> None:
    with pytest.raises(StepFailed, match=f"line {number} of {file} can't be used: ") as caught:
        pinned(write(file, text), "web", 22)

    assert caught.value.cause is FailureCause.CONFIGURATION
    assert caught.value.summary.endswith("; correct or remove it, then try again")


def test_a_new_pin_replaces_the_keys_of_the_host_and_keeps_all_other_lines(file: Path) -> None:
    kept = [
        "# the web server",
        "",
        f"db,cache {OTHER}",
        f"[web]:2222 {OTHER}",
        f"@revoked web {OTHER}",
        f"*.example.org {OTHER}",
        f"{hashed('db')} {OTHER}",
    ]
    replaced = [f"web {OTHER}", f"web {THIRD}", f"{hashed('web')} {OTHER}"]
    write(file, "\r\n".join([*kept, *replaced, f"db,web {THIRD}"]) + "\r\n")

    pin(file, "web", 22, OURS)

    assert file.read_text().splitlines() == [*kept, f"db {THIRD}", f"web {OURS}"]
    assert pinned(file, "web", 22) == OURS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_pin_for_a_port_leaves_the_other_ports_alone(file: Path) -> None:
    write(file, f"web {OTHER}\n{hashed('web')} {OTHER}\n{hashed('[web]:2222')} {OTHER}\n")

    pin(file, "web", 2222, OURS)

    assert file.read_text() == f"web {OTHER}\n{hashed('web')} {OTHER}\n[web]:2222 {OURS}\n"


def test_pinning_again_changes_nothing(file: Path) -> None:
    pin(file, "2001:db8::1", 2222, OURS)
    before = file.read_text()
    pin(file, "2001:db8::1", 2222, OURS)

    assert file.read_text() == before == f"[2001:db8::1]:2222 {OURS}\n"


def test_a_text_that_is_no_key_is_not_pinned(file: Path) -> None:
    with pytest.raises(StepFailed, match="'ssh-ed25519 AAAA' is not a public key"):
        pin(file, "web", 22, "ssh-ed25519 AAAA")

    assert not file.exists()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize(("host", "port"), [("web", 22), ("web", 2222), ("2001:db8::1", 2222)])
def test_openssh_finds_and_hashes_the_lines_that_we_write(file: Path, host: str, port: int) -> None:
    name = known_hosts_line(host, port, "").strip()
    pin(file, host, port, OURS)

    found = subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], capture_output=True, text=True)
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)

    assert OURS in found.stdout
    assert name not in file.read_text()
    assert pinned(file, host, port) == OURS


def test_comments_in_another_encoding_do_no_harm(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"# caf\xe9\nweb " + OURS.encode() + b"\n")

    assert pinned(file, "web", 22) == OURS
    host_keys, *_ = read_known_hosts(file).match("web", "", None)
    assert len(host_keys) == 1
