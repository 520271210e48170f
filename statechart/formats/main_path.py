"""The main path of a picture, which drawings begin with."""

from __future__ import annotations

from statechart.picture import Picture


def main_path(picture: Picture, *, to_final: bool = False) -> list[str]:
    """Return the main path: the longest that follows the declared order, without failures.

    Args:
        picture: The picture.
        to_final: Whether a path that ends in a final state goes before others of the same length.
    """
    order = [node.id for node in picture.nodes if node.initial or not node.failure]
    places = {state: place for place, state in enumerate(order)}
    initial = next(node.id for node in picture.nodes if node.initial)
    finals = {node.id for node in picture.nodes if node.final and to_final}
    leaving: dict[str, list[str]] = {state: [] for state in order}
    for arrow in picture.arrows:
        if places.get(arrow.target, -1) > places.get(arrow.source, len(order)):
            leaving[arrow.source].append(arrow.target)
    longest = {initial: [initial]}
    for state in order:
        if state in longest:
            for target in leaving[state]:
                if len(longest.get(target, ())) <= len(longest[state]):
                    longest[target] = [*longest[state], target]
    found = (longest[state] for state in order if state in longest)
    return max(found, key=lambda path: (len(path), path[-1] in finals))
