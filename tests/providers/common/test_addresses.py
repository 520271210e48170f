from __future__ import annotations

import pytest

from environments.providers.common.addresses import checked_host, host_port


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


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (" 127.0.0.1\n", "127.0.0.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("web-1.internal_net.example.org.", "web-1.internal_net.example.org."),
        ("bücher.example", "bücher.example"),
        ("localhost", "localhost"),
    ],
)
def test_addresses_and_names_of_hosts_are_taken(text: str, host: str) -> None:
    assert checked_host(text) == host


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("127.0.0.1/8", "is a network"),
        ("2001:db8::/32", "is a network"),
        ("10.0.0.1,10.0.0.2", "holds several addresses"),
        ("10.0.0.1 10.0.0.2", "holds several addresses"),
        ("ssh://root@web.example:22/", "is a URL"),
        ("root@web.example", "holds a user"),
        ("web.example:22", "holds a port"),
        ("[::1]:22", "holds a port"),
        ("0.0.0.0", "is the address of no host"),
        ("10.0.0.256", "is neither"),
        ("1234", "is neither"),
        ("-web.example", "is neither"),
        ("a..b", "is neither"),
        ("a/b", "is neither"),
        ("web\0", "is neither"),
        ("", "is neither"),
        ("a" * 64, "is neither"),
        ("a." * 130, "is neither"),
    ],
)
def test_what_is_no_host_is_refused_with_what_it_looks_like(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        checked_host(text)
