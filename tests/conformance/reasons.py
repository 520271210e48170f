"""The documents that this library does not pass, each with its reason."""

from __future__ import annotations

from typing import Final

INVOKE = "needs `<invoke>`: charts invoke nothing"
HTTP = "needs events over HTTP"
XML = "needs data in XML"
ECMASCRIPT = "needs ECMAScript"
CONFIGURATION = "asks for the configuration halfway through a microstep: hooks see it whole"
DOMAIN = "expects SCION's own choice of the states that a transition leaves, which is not SCXML's"
ROOT = "has a transition in `<scxml>` itself, where SCXML has none"

_LISTED: Final[dict[str, dict[str, str]]] = {
    "W3C mandatory": {
        INVOKE: (
            "187 191 192 207 215 216 220 223 224 225 226 228 229 232 233 234 235 236 237 239 240 241 242 "
            "243 244 245 247 252 253 276 338 347 422 530 554"
        ),
        CONFIGURATION: "409 411",
    },
    "W3C optional": {
        HTTP: "201 509 510 518 519 520 522 531 532 534 567 577",
        XML: "557 561",
        ECMASCRIPT: "446",
    },
    "SCION": {
        ECMASCRIPT: (
            "assign/assign_obj_literal data/data_obj_literal error/error script-src/test0 script-src/test1 "
            "script-src/test2 script-src/test3 targetless-transition/test1 targetless-transition/test2 "
            "targetless-transition/test3"
        ),
        DOMAIN: "more-parallel/test10 more-parallel/test10b",
        ROOT: "internal-transitions/test0",
    },
}

REASONS: Final = {
    (suite, name): reason
    for suite, reasons in _LISTED.items()
    for reason, names in reasons.items()
    for name in names.split()
}
"""The reason for each document that is not passed, by suite and name."""
