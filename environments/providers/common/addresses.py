"""Network addresses as text."""

from __future__ import annotations


def host_port(host: str, port: int) -> str:
    """Join a host and a port, with brackets around an IPv6 address.

    This is the form of URLs, of the header `Host` and of messages. A file of known hosts has its
    own: see `known_hosts`.

    Source: RFC 3986, section 3.2.2.
    """
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
