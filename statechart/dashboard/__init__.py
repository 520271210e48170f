"""The dashboard: pages in the browser that show what the store says, live.

`asgi_app` makes an application of the values of a chart, to be mounted into another. It needs the extra
`dashboard`.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
