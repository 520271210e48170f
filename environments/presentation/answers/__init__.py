"""The answers of `show`, `why`, `history`, `diagram`, `logs` and `drift` about one environment.

Each is read from a workspace or a repository without its lock. The public names are declared in
`__init__.pyi` and imported when they are first used, since many answers need less than all of this.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
