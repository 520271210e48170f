"""Find the chart that a reference names: `module:Chart`, or the path of a document."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from statemachine import StateChart

from statechart.chart import Chart
from statechart.errors import ChartNotFound
from statechart.loading.load import load
from statechart.loading.source import SUFFIXES
from statechart.wording import nearest

_EXAMPLE = "shop.orders:OrderChart"


def find_chart(reference: str, *, root: Path | None = None) -> type[Chart]:
    """Return the chart of a reference: `module:Chart`, `path/to/file.py:Chart`, or a document's path.

    `root`, by default the current directory, is searched for modules before any other place. A document
    ends in `.scxml`, `.json` or `.yaml`; see `statechart.load`.

    Raises:
        ChartNotFound: The module can't be imported, or has no such chart; there is no such document.
        DocumentRefused: The document can't become a chart.
    """
    if is_document(reference):
        return _loaded(reference, root or Path.cwd())
    where, colon, name = reference.rpartition(":")
    if not colon or not where or not name.isidentifier():
        where = where if colon else name
        raise ChartNotFound(reference, f"name a chart as module:Chart, like {_EXAMPLE}{_hint(where, root)}")
    module = _imported(reference, where, root or Path.cwd())
    found = getattr(module, name, None)
    if found is None or found is Chart:
        near = nearest(name, charts_of(module))
        others = f"did you mean {where}:{near}?" if near else _charts_in_words(where, module)
        raise ChartNotFound(reference, f"{where} has no {name}: {others}")
    return _checked(reference, found)


def is_document(reference: str) -> bool:
    """Return whether a reference is the path of a document."""
    return reference.endswith(SUFFIXES)


def find_attribute(reference: str, *, root: Path | None = None) -> object | None:
    """Import the module of a reference `module:Name`, and return the attribute, or None if it has none.

    Raises:
        ChartNotFound: The module can't be imported.
    """
    where, _, name = reference.rpartition(":")
    if not where or not name.isidentifier():
        return None
    return getattr(_imported(reference, where, root or Path.cwd()), name, None)


def _loaded(reference: str, root: Path) -> type[Chart]:
    path = root / reference
    try:
        found = path.stat()
    except OSError as error:
        raise ChartNotFound(reference, f"there is no file {path}") from error
    return _loaded_file(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _loaded_file(path: Path, _mtime_ns: int, _size: int) -> type[Chart]:
    """Return the chart of a document, and the same class as long as the file stays the same."""
    return load(path)


def charts_of(module: ModuleType) -> tuple[str, ...]:
    """Return the names of a module's charts, as declared."""
    return tuple(
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Chart) and value is not Chart
    )


def _charts_in_words(where: str, module: ModuleType) -> str:
    found = charts_of(module)
    return (
        f"its charts are {', '.join(f'{where}:{name}' for name in found)}" if found else "it has no chart"
    )


def _hint(where: str, root: Path | None) -> str:
    """Return a list of the charts in a module, for a reference that lacks the chart's name."""
    try:
        module = _imported(where, where, root or Path.cwd())
    except ChartNotFound:
        return ""
    return f"; {_charts_in_words(where, module)}" if charts_of(module) else ""


def _checked(reference: str, found: object) -> type[Chart]:
    if isinstance(found, type) and issubclass(found, Chart):
        return found
    if isinstance(found, type) and issubclass(found, StateChart):
        reason = "it inherits from statemachine.StateChart: let it inherit from statechart.Chart"
    else:
        reason = f"it is a {type(found).__name__}, not a chart: a chart is a class that inherits from Chart"
    raise ChartNotFound(reference, reason)


def _imported(reference: str, where: str, root: Path) -> ModuleType:
    try:
        if where.endswith(".py"):
            return _imported_file(reference, root / where)
        # An installed console script does not have the current directory on its path.
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        return importlib.import_module(where)
    except ChartNotFound:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            advice = "run this where it can be imported, or set PYTHONPATH"
            raise ChartNotFound(reference, f"there is no module {error.name}: {advice}") from error
        raise ChartNotFound(reference, f"{error}: install it", _place(error)) from error
    except Exception as error:  # the body of a module can raise any exception
        reason = f"{where} can't be imported: {type(error).__name__}: {error}"
        raise ChartNotFound(reference, reason, _place(error)) from error


def _imported_file(reference: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise ChartNotFound(reference, f"there is no file {path}")
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickle look up the module of a class there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def _place(error: Exception) -> str | None:
    """Return the line to mend: the deepest frame outside of this library and the import system."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    ours = str(Path(__file__).parent)
    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<frozen")) and "site-packages" not in frame.filename
    ]
    frames = [frame for frame in frames if not frame.filename.startswith(sys.base_prefix)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
