"""Measure what overlaps in a plan, as a list of sentences: an empty one is a good picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from math import hypot
from typing import TypeAlias

from statechart.formats.svg.geometry import Box, Label, Plan, Point, Rectangle, Wire, bounds, flattened
from statechart.formats.svg.metrics import NAME_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.texts import row, whole_label
from statechart.picture import Picture

Part: TypeAlias = tuple[Rectangle, Sequence[Point]]

_TOUCH = 0.75  # rectangles that share less than that only touch
_ON_BOX = 1.5  # the end of a wire is so near to the side of its box
_INSIDE = 9.0  # a wire so deep in its own box goes through it
_TIP = 8.0, 3.4  # the length of an arrowhead, and half its breadth
_PIECES = 24


def overlaps(picture: Picture, plan: Plan) -> list[str]:
    """Return all that overlaps, leaves the picture, or ends in the air."""
    chains = [flattened(wire, _PIECES) for wire in plan.wires]
    frames = {node.id for node in picture.nodes if node.is_around}
    titles = {box.state: _title(box) for box in plan.boxes if box.state in frames}
    return [
        *_rectangles(picture, plan, titles),
        *_outside(plan, chains),
        *_bands(picture, plan),
        *(
            said
            for wire, chain in zip(plan.wires, chains, strict=True)
            for said in _wire(picture, plan, wire, chain, titles)
        ),
        *_missing(picture, plan),
    ]


def _rectangles(picture: Picture, plan: Plan, titles: Mapping[str, Rectangle]) -> Iterator[str]:
    frames = [box for box in plan.boxes if box.state in titles]
    around = {node.id: picture.around(node.id) for node in picture.nodes}
    named = [
        *((_box(box), box.rectangle) for box in plan.boxes if box not in frames),
        *((f"the title of {_box(box)}", titles[box.state]) for box in frames),
        *((_label(each), each.rectangle) for each in plan.labels),
    ]
    for (one, first), (other, second) in combinations(named, 2):
        if _meet(first, second):
            yield f"{one} overlaps {other}"
    for frame in frames:
        for name, rectangle in (*named, *((_box(box), box.rectangle) for box in frames)):
            if _meet(frame.rectangle, rectangle) and not (
                _holds(frame.rectangle, rectangle) or _holds(rectangle, frame.rectangle)
            ):
                yield f"{name} is on the border of {_box(frame)}"
        for box in plan.boxes:
            is_within = frame.state in around[box.state]
            if is_within != _holds(frame.rectangle, box.rectangle) and box is not frame:
                yield f"{_box(box)} is {'not ' if is_within else ''}in {_box(frame)}"


def _title(box: Box) -> Rectangle:
    """Return where the title of a state around others is."""
    width = max(
        *(text_width(line, NAME_SIZE, bold=True) for line in box.lines),
        *(text_width(line, SMALL_SIZE) for line in box.small),
        0.0,
    )
    x, y = box.x + 12.0, box.y + 5.0
    return x, y, x + width, y + len(box.lines) * row(NAME_SIZE) + len(box.small) * row(SMALL_SIZE)


def _bands(picture: Picture, plan: Plan) -> Iterator[str]:
    for one, other in combinations(plan.bands, 2):
        if _meet(one.rectangle, other.rectangle):
            yield f"band {one.name} overlaps band {other.name}"
    for name in dict.fromkeys(band.name for band in plan.bands):
        bands = [band.rectangle for band in plan.bands if band.name == name]
        for box in plan.boxes:
            if box.state in picture.boxes[name]:
                if not any(_holds(band, box.rectangle) for band in bands):
                    yield f"{_box(box)} is not in its band {name}"
            elif any(_meet(band, box.rectangle) for band in bands):
                yield f"{_box(box)} is in band {name}"


def _outside(plan: Plan, chains: Sequence[Sequence[Point]]) -> Iterator[str]:
    inside = (0.0, 0.0, plan.width, plan.height)
    for each in (*plan.boxes, *plan.labels, *plan.bands):
        if not _holds(inside, each.rectangle):
            yield f"{each} is outside of the picture"
    for wire, chain in zip(plan.wires, chains, strict=True):
        if not all(_holds(inside, (x, y, x, y)) for x, y in chain):
            yield f"{_name(wire)} leaves the picture"


def _wire(
    picture: Picture, plan: Plan, wire: Wire, chain: Sequence[Point], titles: Mapping[str, Rectangle]
) -> Iterator[str]:
    boxes = {box.state: box for box in plan.boxes}
    start, end, parts = chain[0], chain[-1], _parts(chain)
    ends = _ends(picture, plan, wire, chain)
    if wire.arrow is not None:
        for point, box in zip((start, end), ends, strict=True):
            if not _is_on(point, box):
                yield f"{_name(wire)} ends in the air at {point}, beside {_box(box)}"
    elif not ends:
        yield f"{_name(wire)} ends in the air at {end}"
    around = {state for box in ends for state in (box.state, *picture.around(box.state))}
    for box in plan.boxes:
        is_frame = box.state in titles
        inner = _shrunk(box.rectangle, _INSIDE if box in ends and not is_frame else _TOUCH)
        if not (is_frame and box.state in around) and _goes_through(parts, inner):
            yield f"{_name(wire)} goes through {_box(box)}"
        if is_frame and _goes_through(parts, _shrunk(titles[box.state], _TOUCH)):
            yield f"{_name(wire)} goes through the title of {_box(box)}"
    head = _parts(_head(chain))
    for label in plan.labels:
        if (label.arrow is None or label.arrow != wire.arrow) and _goes_through(
            parts, _shrunk(label.rectangle, _TOUCH)
        ):
            yield f"{_name(wire)} goes through {_label(label)}"
        if _goes_through(head, _shrunk(label.rectangle, _TOUCH)):
            yield f"the head of {_name(wire)} is on {_label(label)}"
    for box in boxes.values():
        if box.state not in around | {each.state for each in ends[-1:]} and _goes_through(
            head, _shrunk(box.rectangle, _TOUCH)
        ):
            yield f"the head of {_name(wire)} is on {_box(box)}"


def _ends(picture: Picture, plan: Plan, wire: Wire, chain: Sequence[Point]) -> list[Box]:
    """Return the boxes where a wire begins and ends; of the mark of an initial state, only the latter."""
    boxes = {box.state: box for box in plan.boxes}
    if wire.arrow is None:
        opened = {state for node in picture.nodes for state in node.opens} | set(picture.starts)
        return [boxes[state] for state in opened if _is_on(chain[-1], boxes[state])][:1]
    arrow = picture.arrows[wire.arrow]
    targets = [boxes[target] for target in arrow.targets]
    found = next((box for box in targets if _is_on(chain[-1], box)), targets[0])
    return [boxes[arrow.source], found]


def _missing(picture: Picture, plan: Plan) -> Iterator[str]:
    drawn = sorted(wire.arrow for wire in plan.wires if wire.arrow is not None)
    if drawn != [index for index, arrow in enumerate(picture.arrows) for _ in arrow.targets]:
        yield f"the wires are those of {drawn}"
    said = sorted(label.arrow for label in plan.labels if label.arrow is not None)
    if said != [
        index for index, arrow in enumerate(picture.arrows) if arrow.targets and whole_label(arrow)
    ]:
        yield f"the labels are those of {said}"
    if {box.state for box in plan.boxes} != {node.id for node in picture.nodes}:
        yield "some states have no box"


def _head(chain: Sequence[Point]) -> list[Point]:
    """Return the outline of an arrowhead at the end of a wire."""
    (x, y), length = chain[-1], _TIP[0]
    back = next((point for point in reversed(chain) if hypot(point[0] - x, point[1] - y) > 0.5), (x - 1, y))
    far = hypot(back[0] - x, back[1] - y)
    dx, dy = (back[0] - x) / far, (back[1] - y) / far
    base, side = (x + dx * length, y + dy * length), (-dy * _TIP[1], dx * _TIP[1])
    wings = (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])
    return [(x, y), *wings, (x, y)]


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return (
        one[0] < other[2] - _TOUCH
        and other[0] < one[2] - _TOUCH
        and one[1] < other[3] - _TOUCH
        and other[1] < one[3] - _TOUCH
    )


def _holds(outer: Rectangle, inner: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _shrunk(rectangle: Rectangle, by: float) -> Rectangle:
    left, top, right, bottom = rectangle
    return left + by, top + by, right - by, bottom - by


def _is_on(point: Point, box: Box) -> bool:
    """Return whether a point is at a side of a box, or at a round corner."""
    left, top, right, bottom = box.rectangle
    x, y = point
    near = left - _ON_BOX <= x <= right + _ON_BOX and top - _ON_BOX <= y <= bottom + _ON_BOX
    depth = min(x - left, right - x, y - top, bottom - y)
    return near and depth <= (_ON_BOX if _straight(point, box) else 8.0)


def _straight(point: Point, box: Box) -> bool:
    left, top, right, bottom = box.rectangle
    return left + 20 <= point[0] <= right - 20 or top + 20 <= point[1] <= bottom - 20


def _goes_through(parts: Sequence[Part], rectangle: Rectangle) -> bool:
    left, top, right, bottom = rectangle
    if left >= right or top >= bottom:
        return False
    return any(
        around[0] < right
        and around[2] > left
        and around[1] < bottom
        and around[3] > top
        and any(_cuts(one, other, rectangle) for one, other in pairwise(points))
        for around, points in parts
    )


def _parts(chain: Sequence[Point]) -> list[Part]:
    """Return a chain in parts, each with the rectangle around it: most are far from the others."""
    parts = (chain[start : start + _PIECES + 1] for start in range(0, len(chain) - 1, _PIECES))
    return [(bounds((x, y, x, y) for x, y in part), part) for part in parts]


def _cuts(one: Point, other: Point, rectangle: Rectangle) -> bool:
    """Return whether a line has a part inside of a rectangle (Liang and Barsky)."""
    left, top, right, bottom = rectangle
    (x, y), (dx, dy) = one, (other[0] - one[0], other[1] - one[1])
    if max(x, x + dx) < left or min(x, x + dx) > right or max(y, y + dy) < top or min(y, y + dy) > bottom:
        return False
    enters, leaves = 0.0, 1.0
    for way, room in ((-dx, x - left), (dx, right - x), (-dy, y - top), (dy, bottom - y)):
        if way == 0:
            if room < 0:
                return False
        elif way < 0:
            enters = max(enters, room / way)
        else:
            leaves = min(leaves, room / way)
    return enters < leaves


def _name(wire: Wire) -> str:
    return f"wire {wire.arrow} from {wire.points[0]}"


def _box(box: Box) -> str:
    return f"box {box.state!r}"


def _label(label: Label) -> str:
    return f"{label.kind} {label.arrow if label.arrow is not None else ''} {label.lines}"
