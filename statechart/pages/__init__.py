"""Keep the diagrams in documentation pages up to date, between two markers.

A marker is a comment in the page's own language. In Markdown:

    <!-- statechart: shop.orders:OrderChart mermaid -->
    <!-- /statechart -->

and in reStructuredText:

    .. statechart: shop.orders:OrderChart rst
    .. /statechart

`state=NAME` and `path=EVENT,EVENT` after the format mark a state, or a path from the initial state.
The format `svg` writes a file beside the page, and an image into it: `file=NAME.svg` names the file;
`upright`, `layout=line`, `layout=layered`, `theme=light`, `theme=dark` and `width=PIXELS` choose the look.
All lines between two markers are replaced. Each gets what stands before the marker: the indentation in a
list, a note or a tab, and the `>` of a quotation. Markers inside code are text.
"""

from statechart.pages.drawn import FindChart
from statechart.pages.page import SUFFIXES, Page, default_places, pages, refresh, write

__all__ = ["SUFFIXES", "FindChart", "Page", "default_places", "pages", "refresh", "write"]
