"""A Terraform of a few lines of shell, whose backend is a file: for tests that need no real one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.providers.terraform.conftest import Bench

State = dict[str, Any]

_VERSION = '{"type":"version","ui":"1.2"}'
_SCRIPT = """
echo "$@" >>"$PLACE/calls"
summed() { echo '{"type":"version","ui":"1.2"}'; cat "$PLACE/said" 2>/dev/null
  echo "{\\"type\\":\\"change_summary\\",\\"changes\\":{\\"operation\\":\\"$1\\"}}"; }
[ -e "$PLACE/away" ] && [ "$1" = state ] && { cat "$PLACE/away" >&2; exit 1; }
case "$1 $2" in
  "init "*) mkdir -p .terraform; cp "$PLACE/backend" .terraform/terraform.tfstate 2>/dev/null; true ;;
  "state pull") cat "$PLACE/state" 2>/dev/null; true ;;
  "state push") for last in "$@"; do :; done
    cp "$last" "$PLACE/state" ;;
  "plan "*) for word in "$@"; do case "$word" in -out=*) echo plan >"${word#-out=}" ;; esac; done
    summed plan ;;
  "show "*) echo '{"format_version":"1.0","configuration":{"root_module":{}}}' ;;
  "apply "*) [ -e "$PLACE/fails" ] && { . "$PLACE/fails"; exit 1; }
    cp "$PLACE/next" "$PLACE/state" 2>/dev/null; summed apply ;;
esac
"""


@dataclass
class ScriptedBackend:
    """The backend of a scripted Terraform, and what it is told to do."""

    bench: Bench
    kind: str = "s3"

    def __post_init__(self) -> None:
        self.place.mkdir()
        backend = {"backend": {"type": self.kind, "config": {"path": "/srv/web.tfstate"}}}
        self.write("backend", json.dumps(backend))
        self.bench.program("terraform", f'PLACE="{self.place}"\n{_SCRIPT}')
        block = f'terraform {{\n  backend "{self.kind}" {{}}\n}}\n'
        self.bench.write(**{"main.tf": f'{block}output "instance_ip" {{ value = "127.0.0.1" }}\n'})

    @property
    def place(self) -> Path:
        return self.bench.directory / "scripted"

    def write(self, name: str, text: str) -> None:
        (self.place / name).write_text(text)

    def remove(self, name: str) -> None:
        (self.place / name).unlink()

    def state(self) -> State:
        found: State = json.loads((self.place / "state").read_text())
        return found

    def store(self, **changes: Any) -> State:
        """Store a state, by default with the environment's lineage and a resource."""
        state = made(changes.pop("lineage", self.bench.environment.lineage), **changes)
        self.write("state", json.dumps(state))
        return state

    def calls(self) -> list[str]:
        return (self.place / "calls").read_text().splitlines()


def made(lineage: str, **changes: Any) -> State:
    """Return a state with a resource for each name in `names`, and `keys` for their instances."""
    names = changes.pop("names", ["a"])
    keys = changes.pop("keys", ["k"] * len(names))
    resources = [
        {"mode": "managed", "type": "x", "name": name, "instances": [{"index_key": key} if key else {}]}
        for name, key in zip(names, keys, strict=True)
    ]
    return {"version": 4, "serial": 5, "lineage": lineage, "outputs": {}, "resources": resources, **changes}
