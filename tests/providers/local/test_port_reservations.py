from __future__ import annotations

import json
import multiprocessing
import socket

import pytest
from filelock import FileLock

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.local import port_reservations
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, require_free
from tests.ports import free_port


def layout(data, name):
    directory = data / name
    directory.mkdir(parents=True, exist_ok=True)
    return Layout(directory, lineage=f"lineage-of-{name}", name=name)


def reserve(data, name, wanted=None):
    place = layout(data, name)
    return Reservations.beside(place).reserve(place, wanted)


@pytest.fixture
def free():
    return free_port()


def test_a_port_is_kept_until_it_is_released(tmp_path):
    port = reserve(tmp_path, "a")

    assert reserve(tmp_path, "a") == port
    Reservations(tmp_path).release("lineage-of-a")
    assert Reservations(tmp_path).held_by("lineage-of-a") == []
    Reservations(tmp_path).release("lineage-of-a")


def test_a_port_lies_outside_the_kernels_own_range(tmp_path):
    low, high = (int(word) for word in port_reservations._EPHEMERAL.read_text().split())

    assert not low <= reserve(tmp_path, "a") <= high


def test_a_port_of_another_environment_is_refused_until_that_is_gone(tmp_path, free):
    reserve(tmp_path, "a", free)
    with pytest.raises(StepFailed, match=f"port {free} is reserved for environment 'a'"):
        reserve(tmp_path, "b", free)

    (tmp_path / "a").rmdir()

    assert reserve(tmp_path, "b", free) == free


def test_a_port_that_has_become_busy_is_replaced_unless_it_is_demanded(tmp_path):
    first = reserve(tmp_path, "a")
    with socket.create_server(("127.0.0.1", first)):
        second = reserve(tmp_path, "a")

    assert second != first
    assert [path.name for path in (tmp_path / ".ports").glob("[0-9]*")] == [str(second)]


def test_another_wanted_port_replaces_the_reserved_port(tmp_path, free):
    reserve(tmp_path, "a")

    assert reserve(tmp_path, "a", free) == free
    assert Reservations(tmp_path).held_by("lineage-of-a") == [free]


@pytest.mark.parametrize("content", ["", "{torn", "[]", "{}"])
def test_an_unreadable_reservation_is_void(tmp_path, free, content):
    reserve(tmp_path, "a", free)
    (tmp_path / ".ports" / str(free)).write_text(content)

    assert Reservations(tmp_path).held_by("lineage-of-a") == []
    assert reserve(tmp_path, "b", free) == free
    assert json.loads((tmp_path / ".ports" / str(free)).read_text())["name"] == "b"


def test_the_wait_for_a_lock_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(port_reservations, "_PATIENCE", 0.05)
    reserve(tmp_path, "a")
    with FileLock(tmp_path / ".ports" / ".lock"), pytest.raises(StepFailed) as caught:
        reserve(tmp_path, "b")
    assert caught.value.cause is FailureCause.TIMEOUT


def _reserve_all(data, names, results):
    results.put([reserve(data, name) for name in names])


def test_concurrent_processes_get_different_ports(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    groups = [[f"{group}{number}" for number in range(8)] for group in "abc"]
    workers = [context.Process(target=_reserve_all, args=(tmp_path, names, results)) for names in groups]
    for worker in workers:
        worker.start()

    ports = [port for _ in workers for port in results.get(timeout=120)]

    for worker in workers:
        worker.join()
    results.close()
    results.join_thread()
    assert len(set(ports)) == len(ports) == 24


def test_a_busy_port_is_reported_and_a_free_port_passes(free):
    require_free(free)
    with socket.create_server(("127.0.0.1", free)), pytest.raises(StepFailed) as caught:
        require_free(free)
    assert caught.value.cause is FailureCause.NETWORK
    assert "stop it or choose another port" in caught.value.summary
