"""The pytest plugin of charts. It imports only pytest until it is used."""

from __future__ import annotations
