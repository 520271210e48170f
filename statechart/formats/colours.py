"""The colours of states and transitions, the same in every format."""

COLOURS = {
    "current": ("#b2ebe0", "#00796b"),
    "failed": ("#ff8a80", "#b71c1c"),
    "around": ("#f1faf8", "#00796b"),
    "visited": ("#e0f2f1", "#00796b"),
    "missed": ("#ff8a80", "#b71c1c"),
    "failure": ("#fde7e4", "#c62828"),
}
"""Fill and line of each class of states; their text is black."""
