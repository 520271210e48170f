"""Draw a Mermaid diagram while the documentation is built, so that its pages need no network.

It takes the options of Mermaid's own command, `-i INPUT -o OUTPUT`, and has Mermaid from the package
mermaidx. A diagram that is not Mermaid fails the build.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mermaidx

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("-i", dest="source", type=Path, required=True)
parser.add_argument("-o", dest="target", type=Path, required=True)
arguments = parser.parse_args()
arguments.target.write_text(mermaidx.render(arguments.source.read_text()).svg())
