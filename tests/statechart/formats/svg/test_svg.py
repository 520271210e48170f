"""Pictures as SVG: well-formed, the same each time, with all that the chart says."""

from __future__ import annotations

import xml.etree.ElementTree as Tree

from environments.lifecycle import Lifecycle
from statechart.formats.svg import svg
from statechart.picture import Marks, compose


def test_a_picture_is_well_formed_and_the_same_each_time() -> None:
    picture = compose(Lifecycle, Marks(current="running"))

    drawn = svg(picture, prefix="a-")

    assert Tree.fromstring(drawn).get("role") == "img"
    assert drawn == svg(picture, prefix="a-")
