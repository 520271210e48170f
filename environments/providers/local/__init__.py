"""The provider `local`: environments on this machine, without further installations.

The public name is declared in `__init__.pyi` and imported on first use: `up` needs only parts.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
