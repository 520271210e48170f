"""What open pages are told."""

import json

import pytest

from statechart.dashboard.hub import RESYNC, Hub
from statechart.dashboard.refusals import Refused


def data(event: bytes) -> object:
    kind, content = event.decode().removesuffix("\n\n").split("\n")
    assert kind == "event: change"
    return json.loads(content.removeprefix("data: "))


async def test_a_page_of_all_is_told_each_row_and_a_page_of_one_its_own():
    hub = Hub()
    all_, web, other = hub.listen(), hub.listen("web"), hub.listen("other")

    hub.tell({"web": {"group": "failed"}, "old": None}, {"all": 1, "failed": 1})

    told = {"rows": {"web": {"group": "failed"}, "old": None}, "counts": {"all": 1, "failed": 1}}
    assert data(await all_.next()) == told
    assert data(await web.next()) == {**told, "rows": {"web": {"group": "failed"}}}

    hub.tell({"other": None}, {"all": 0})

    assert data(await other.next()) == {"rows": {"other": None}, "counts": {"all": 0}}


async def test_a_page_that_reads_slowly_is_told_only_the_newest():
    hub = Hub()
    listener = hub.listen()
    for number in range(100):
        hub.tell({"web": {"group": str(number)}}, {"all": number})

    assert data(await listener.next()) == {"rows": {"web": {"group": "99"}}, "counts": {"all": 99}}


async def test_a_page_that_misses_very_many_asks_for_itself_again():
    hub = Hub()
    listener = hub.listen()
    hub.tell({f"e{number}": {"group": "idle"} for number in range(301)}, {"all": 301})

    assert await listener.next() == RESYNC


async def test_too_many_pages_are_refused_until_one_is_closed():
    hub = Hub(limit=2)
    first = hub.listen()
    hub.listen()

    with pytest.raises(Refused, match="2 open pages"):
        hub.listen()
    hub.leave(first)

    assert hub.listen() is not None


async def test_closing_ends_all_streams_and_opens_no_others():
    hub = Hub()
    listener = hub.listen()

    hub.close()

    assert await listener.next() is None
    with pytest.raises(Refused, match="the server stops"):
        hub.listen()


async def test_names_can_be_any_text():
    hub = Hub()
    listener = hub.listen()
    name = 'a"\n</script>é\u2028'

    hub.tell({name: {"html": "<tr>\n</tr>"}}, {"all": 1})

    assert data(await listener.next())["rows"] == {name: {"html": "<tr>\n</tr>"}}


async def test_only_pages_of_a_name_are_told_that_it_has_changed():
    hub = Hub()
    all_, fleet, other = hub.listen(), hub.listen("fleet:"), hub.listen("other")
    assert hub.shows("fleet:")
    version = hub.version

    hub.touch("fleet:")

    assert await fleet.next() == b'event: change\ndata: {"rows":{"fleet:":null},"counts":{}}\n\n'
    assert (hub.told, hub.version != version) == (0, True)
    hub.tell({"web": None}, {"all": 0})
    assert b"fleet" not in (await all_.next() or b"")
    hub.leave(fleet)
    assert not hub.shows("fleet:")
    other.close()
