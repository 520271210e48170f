"""Fixtures of the dashboard of a chart: its pages are asked for in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from statechart import ChartRepository
from statechart.dashboard import asgi_app
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart


@pytest.fixture
def parcels(tmp_path: Path) -> ChartRepository[Parcel]:
    return ChartRepository(tmp_path / "parcels", ParcelChart)


@pytest.fixture
def anywhere(any_place: str) -> ChartRepository[Parcel]:
    return ChartRepository(any_place, ParcelChart)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[ChartRepository[Any]], httpx.AsyncClient]]:
    """Opens the dashboard of a repository, and closes it after the test."""
    sites = []

    def opened_on(repository: ChartRepository[Any]) -> httpx.AsyncClient:
        sites.append(asgi_app(repository))
        return httpx.AsyncClient(transport=httpx.ASGITransport(sites[-1]), base_url="http://charts")

    yield opened_on
    for site in sites:
        await site.following.stop()
