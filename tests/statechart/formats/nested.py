"""What diagrams of states within states say, read back from their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from statechart.diagram import render
from statechart.engine.table import Table
from statechart.picture import Marks, compose


class Said(NamedTuple):
    """A transition, as a diagram says it."""

    source: str
    label: str
    targets: tuple[str, ...]


def declared(chart: Any) -> list[Said]:
    """Return the transitions of a chart, from its table."""
    table = Table(chart)
    ids = [node.state.id for node in table.nodes]
    return sorted(
        Said(ids[node.number], _label(node, way), tuple(sorted(ids[target] for target in way.targets)))
        for node in table.nodes
        for way in node.ways
    )


def _label(node: Any, way: Any) -> str:
    guards = ", ".join(map(str, way.transition.cond))
    if node.remembers:
        label = "(default)"
    elif way.transition.is_eventless:
        label = "(always)"
    else:
        label = ", ".join(_event(node, event) for event in way.transition.events)
    return f"{label} [{guards}]" if guards else label


def _event(node: Any, event: Any) -> str:
    if not event.id.startswith("done.state."):
        return str(event.name)
    done = event.id.removeprefix("done.state.")
    return "(done)" if done == node.state.id else f"({done} done)"


def in_mermaid(chart: Any) -> list[Said]:
    """Return the transitions in Mermaid: edges, forks, notes and lines within states."""
    lines = [line.strip() for line in render(chart, "mermaid").splitlines()]
    names = {node.name: node.id for node in compose(chart, Marks()).nodes}
    forks: dict[str, list[str]] = {}
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for line in lines:
        if edge := re.fullmatch(r"s_(\w+) --> (\w+) : (.*)", line):
            found.append((edge[1], edge[3], (edge[2],)))
        elif edge := re.fullmatch(r"(fork_\d+) --> s_(\w+)", line):
            forks.setdefault(edge[1], []).append(edge[2])
        elif note := re.fullmatch(r"note right of s_(\w+) : (.*) leads to (.*?)( \(internal\))?", line):
            targets = tuple(names[name] for name in note[3].split(" and "))
            found.append((note[1], note[2], targets))
        elif stays := re.fullmatch(r"(?:note right of )?s_(\w+) : (.*) \(stays\)", line):
            found.append((stays[1], stays[2], ()))
    return sorted(
        Said(
            source,
            _plain(label),
            tuple(sorted(end for each in ends for end in forks.get(each, [_id(each)]))),
        )
        for source, label, ends in found
    )


def _id(end: str) -> str:
    return end.removeprefix("s_")


def _plain(label: str) -> str:
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)


def in_dot(chart: Any) -> list[Said]:
    """Return the transitions in DOT: edges, which may end at clusters, forks, and lines of labels."""
    text = render(chart, "dot")
    forks: dict[str, list[str]] = {}
    found: list[tuple[str, str, str]] = []
    stays: list[Said] = []
    within = ""
    for line in (line.strip() for line in text.splitlines()):
        if cluster := re.fullmatch(r'subgraph "cluster_state_(\w+)" \{', line):
            within = cluster[1]
        if edge := re.fullmatch(r'"([^"]+)" -> "([^"]+)"(?: \[(.*)\])?;', line):
            options = edge[3] or ""
            ends = [
                cluster[1]
                if (cluster := re.search(rf'{end}="cluster_state_(\w+)"', options))
                else node.rstrip(".")
                for end, node in (("ltail", edge[1]), ("lhead", edge[2]))
            ]
            if "dir=back" in options:
                ends.reverse()
            label = re.search(r'label="(.*?)"', options)
            if ends[0].startswith("fork "):
                forks.setdefault(ends[0], []).append(ends[1])
            elif label:
                words = [word for word in label[1].split("\\n") if word != "(internal)"]
                found.append((ends[0], " ".join(words), ends[1]))
        elif label := re.search(r'label="([^"]*\(stays\)[^"]*)"', line):
            state = within if line.startswith("label=") else line.split('"')[1]
            stays += [
                Said(state, word.removesuffix(" (stays)"), ())
                for word in label[1].split("\\n")
                if word.endswith(" (stays)")
            ]
    return sorted(
        [
            *stays,
            *(Said(source, label, tuple(sorted(forks.get(end, [end])))) for source, label, end in found),
        ]
    )


def in_text(chart: Any, width: int = 200) -> list[Said]:
    """Return the transitions in the tree of a terminal."""
    names = {node.name: node.id for node in compose(chart, Marks()).nodes}
    found = []
    state = ""
    for line in render(chart, "text", width=width).splitlines():
        words = line.lstrip(" │┊●▶▷✓✗")
        if words.endswith(" (stays)"):
            found.append(Said(state, words.removesuffix(" (stays)"), ()))
        elif " → " in words:
            label, _, targets = words.removesuffix(" (internal)").rpartition(" → ")
            found.append(Said(state, label, tuple(sorted(names[name] for name in targets.split(" + ")))))
        else:
            name = re.sub(r"^\(H\*?\) | \((final|parallel|failure)\)", "", words)
            state = names.get(name, state)
    return sorted(found)


def in_table(chart: Any) -> list[Said]:
    """Return the transitions in a table of Markdown."""
    names = {node.name: node.id for node in compose(chart, Marks()).nodes}

    def last(path: str) -> str:
        return names[path.split(" / ")[-1]]

    def rows() -> Iterator[Said]:
        for line in render(chart, "md").splitlines()[2:]:
            cells = [
                re.sub(r"&#(\d+);", lambda code: chr(int(code[1])), cell.strip())
                for cell in line.split("|")
            ]
            _, state, _kind, event, guard, target, _ = cells
            if event:
                ends = [] if target == "(stays)" else target.removesuffix(" (internal)").split(", ")
                label = f"{event} [{guard}]" if guard else event
                yield Said(last(state), label, tuple(sorted(map(last, ends))))

    return sorted(rows())
