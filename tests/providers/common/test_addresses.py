from __future__ import annotations

import pytest

from environments.providers.common.addresses import host_port


@pytest.mark.parametrize(
    ("host", "joined"),
    [
        ("127.0.0.1", "127.0.0.1:8080"),
        ("web.example.org", "web.example.org:8080"),
        ("2001:db8::1", "[2001:db8::1]:8080"),
        ("[2001:db8::1]", "[2001:db8::1]:8080"),
        ("fe80::1%eth0", "[fe80::1%eth0]:8080"),
    ],
)
def test_an_ipv6_address_stands_in_brackets_before_its_port(host: str, joined: str) -> None:
    assert host_port(host, 8080) == joined
