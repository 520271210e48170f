"""The dashboard of environments.

`asgi_app` makes an application of it, to be mounted into another. It needs the extra `dashboard`.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
