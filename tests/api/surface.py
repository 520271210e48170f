"""The public interface of both packages, a fact a line, held against what was promised.

    python tests/api/surface.py            fails where the code and tests/api/*.txt differ
    python tests/api/surface.py --accept   writes tests/api/*.txt anew

Removed and changed facts break somebody's program; so does a new parameter that has to be given.
It reads the source, and imports nothing.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
MODULES = {
    "statechart": (
        "statechart",
        "statechart.diagram",
        "statechart.graph",
        "statechart.pages",
        "statechart.picture",
        "statechart.reference",
        "statechart.testing",
        "statechart.testing.repository_contract",
    ),
    "environments": (
        "environments",
        "environments.testing",
        "environments.testing.provider_contract",
        "environments.testing.repository_contract",
    ),
}
LONGEST = 60
REQUIRED = re.compile(r"([^(]+)\((?:[0-9]+ (?:/ )?|\* )(?!.* = )")


def facts(modules: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return what the modules promise: names, bases, types and parameters, sorted."""
    loader = griffe.GriffeLoader(search_paths=[root], allow_inspection=False)
    found: set[str] = set()
    modules = tuple(modules)
    for package in {name.partition(".")[0] for name in modules}:
        loader.load(package)  # each call parses the whole package
    for name in modules:
        module = loader.modules_collection[name]
        for public in _public(module):
            found.update(_told(module.members[public], f"{name}.{public}"))
    return sorted(found)


def _public(module: griffe.Object) -> Iterable[str]:
    if module.exports is not None:
        return [str(name) for name in module.exports]
    stub = Path(str(module.filepath)).with_suffix(".pyi")
    if stub.is_file():  # a lazy package: its stub declares the names
        imports = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
        return [alias.name for node in imports for alias in node.names]
    return [
        name for name, member in module.members.items() if not (name.startswith("_") or member.is_alias)
    ]


def _told(member: griffe.Object | griffe.Alias, path: str) -> Iterator[str]:
    try:
        found = member.final_target if isinstance(member, griffe.Alias) else member
    except griffe.AliasResolutionError:
        yield f"{path} is {member.target_path}"  # another library's
        return
    match found:
        case griffe.Class():
            yield f"class {path}({', '.join(map(str, found.bases))})"
            for name, inner in found.all_members.items():
                if name in ("__init__", "__call__") or not name.startswith("_"):
                    yield from _told(inner, f"{path}.{name}")
        case griffe.Function():
            yield f"{path}() -> {'async ' * ('async' in found.labels)}{found.returns}"
            skipped = (
                found.parent is not None and found.parent.is_class and "staticmethod" not in found.labels
            )
            for place, parameter in enumerate(list(found.parameters)[skipped:], 1):
                yield f"{path}({_parameter(parameter, place)})"
        case griffe.Attribute():
            yield f"{path}{_typed(found)}"


def _parameter(parameter: griffe.Parameter, place: int) -> str:
    kinds = {
        griffe.ParameterKind.positional_only: f"{place} / ",
        griffe.ParameterKind.positional_or_keyword: f"{place} ",
        griffe.ParameterKind.keyword_only: "* ",
        griffe.ParameterKind.var_positional: "*",
        griffe.ParameterKind.var_keyword: "**",
    }
    kind = parameter.kind or griffe.ParameterKind.positional_or_keyword
    given = parameter.default is not None and not kinds[kind].endswith("*")
    default = f" = {parameter.default}" if given else ""
    return f"{kinds[kind]}{parameter.name}: {parameter.annotation}{default}"


def _typed(attribute: griffe.Attribute) -> str:
    annotation = "" if attribute.annotation is None else f": {attribute.annotation}"
    if attribute.value is None or attribute.labels == {"instance-attribute"}:
        return annotation
    value = " ".join(str(attribute.value).split())
    return f"{annotation} = {value if len(value) <= LONGEST else '...'}"


def breaking(promised: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return what breaks a program that relies on the promise: `-` what is gone, `+` what it must give."""
    old, new = set(promised), set(found)
    gone = [f"- {fact}" for fact in sorted(old - new)]
    functions = {fact.partition("() -> ")[0] for fact in old if "() -> " in fact}
    asked = [
        f"+ {fact}"
        for fact in sorted(new - old)
        if (parameter := REQUIRED.match(fact)) and parameter[1] in functions
    ]
    return [*gone, *asked]


def main(arguments: list[str]) -> int:
    """Compare, or accept; 1 where the code and the promise differ."""
    code = 0
    for package, modules in MODULES.items():
        baseline, found = Path(__file__).with_name(f"{package}.txt"), facts(modules)
        if arguments == ["--accept"]:
            baseline.write_text("\n".join(found) + "\n")
            continue
        promised = baseline.read_text().splitlines()
        if broken := breaking(promised, found):
            print(f"{package}: this breaks programs that use it:", *broken, sep="\n  ")
            print("Keep what was promised; or, in a version that may break, note it in CHANGELOG.md and")
            print("accept it with `make api ACCEPT=1`.")
            code = 1
        elif added := sorted(set(found) - set(promised)):
            print(
                f"{package}: this is new, and breaks nothing:", *(f"+ {fact}" for fact in added), sep="\n  "
            )
            print("If all of it is meant to be public, accept it with `make api ACCEPT=1`.")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
