"""Network addresses as text."""

from __future__ import annotations

import re
from ipaddress import ip_address

_NAME = re.compile(r"(?=.{1,253}\Z)([^\W_]([\w-]{0,61}\w)?\.)*[^\W_]([\w-]{0,61}\w)?\.?")
# In this order: each of them may look like those below it.
_MISTAKEN = (
    (re.compile(r"[a-z][a-z0-9+.-]*://.*", re.I), "is a URL; only its host is wanted"),
    (re.compile(r"\S+[\s,;]+\S.*", re.S), "holds several addresses; only one is wanted"),
    (
        re.compile(r"[0-9a-f.:]+/\d+", re.I),
        "is a network; the address is wanted without the '/' and its length",
    ),
    (re.compile(r".*@.*"), "holds a user; only the host is wanted, and 'ssh.user' names the user"),
    (
        re.compile(r"(\[.*\]|[^:]+):\d+"),
        "holds a port; only the host is wanted, and 'ssh.port' names the port",
    ),
)


def host_port(host: str, port: int) -> str:
    """Join a host and a port, with brackets around an IPv6 address.

    This is the form of URLs, of the header `Host` and of messages. A file of known hosts has its
    own: see `known_hosts`.

    Source: RFC 3986, section 3.2.2.
    """
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def url_of(host: str, port: int) -> str:
    """Return the URL of a service."""
    return f"http://{host_port(host, port)}/"


def checked_host(text: str) -> str:
    """Return an IP address without brackets, or the name of a host.

    Raises:
        ValueError: The text is neither; the message continues a sentence that names the text.
    """
    host = text.strip()
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        pass
    else:
        if address.is_unspecified:
            raise ValueError("is the address of no host")
        return bare
    for pattern, problem in _MISTAKEN:
        if pattern.fullmatch(host):
            raise ValueError(problem)
    # With a number at the end it would be an IPv4 address, which it is not.
    if not _NAME.fullmatch(host) or host.rstrip(".").rpartition(".")[2].isdigit():
        raise ValueError("is neither an IP address nor the name of a host")
    return host
