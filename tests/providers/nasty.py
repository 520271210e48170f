"""Names and values in which a shell, Ansible, systemd or a template finds a meaning."""

from __future__ import annotations

DIRECTORY = "a'b\"c %d %% $HOME ${x} {{ y }},z:~\n#é完\\"
"""A name of a directory."""

VARIABLES = {
    "QUOTES": """both "double" and 'single'""",
    "BACKSLASH": "a\\b\\\\c\\",
    "DOLLAR": "$HOME ${HOME} $(id) `id` $$",
    "PERCENT": "%n %% % %(x)s",
    "LINES": "one\ntwo\n\n# no comment\nA=b\n",
    "WINDOWS": "one\r\ntwo\r",
    "SPACES": "  before, between  and behind \t",
    "NOTHING": "",
    "LETTERS": "é € 😀 \u202e\u2028",
    "CONTROL": "\x01\x1b[0m\x7f\r\x0b\x0c",
    "COMMENT": "; # x",
    "EQUALS": "a=b&c=d;LD_PRELOAD=/x",
    "JSON": '{"a": [1, null, "\\u00e9"]}',
    "TEMPLATE": "{{ lookup('pipe', 'id') }} {% raw %} {# x #}",
    "PATTERN": "* ? [a-z] ~ !! ^ {a,b} <in >out |",
    "LONG": "0123456789" * 1000,
}
"""Variables of a service, which have to arrive byte for byte."""
