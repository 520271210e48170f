"""The configuration of Sphinx: MyST pages, and Furo."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "envchart"
author = "The envchart authors"
copyright = author  # what Sphinx calls it
smartquotes_action = "qe"  # no dashes: options begin with two
release = version = installed("envchart")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "statemachine.contrib.diagram.sphinx_ext",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = "envchart"
html_static_path = ["_static"]
html_css_files = ["envchart.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00796b", "color-brand-content": "#00796b"},
    "dark_css_variables": {"color-brand-primary": "#4db6ac", "color-brand-content": "#4db6ac"},
    "navigation_with_keys": True,
}
suppress_warnings = ["ref.python"]  # both packages have an InvalidName
