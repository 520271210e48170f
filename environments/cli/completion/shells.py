"""Completion: scripts that make a shell complete `envchart`, and the answers to their questions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import BashComplete, CompletionItem, ShellComplete, get_completion_class

from environments.cli.settings import Settings
from environments.model.errors import EnvironmentsError
from statechart.errors import StorageError
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.output import note, write
from statechart.terminal.refusal import UsageRefused

VARIABLE = "_ENVCHART_COMPLETE"


class _Place(NamedTuple):
    """The files of a shell: the completion script, and the start-up file with the lines that load it."""

    script: str
    startup: str | None = None
    loading: str = ""


# Installed into the places of the versions before click, whose scripts it replaces.
_PLACES = {
    "bash": _Place(".bash_completions/envchart.sh", ".bashrc", "source {script}"),
    "zsh": _Place(".zfunc/_envchart", ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
    "fish": _Place(".config/fish/completions/envchart.fish"),
}


def answer(group: click.Group, settings: Settings, instruction: str) -> int:
    """Answer a shell's question and return the exit code."""
    if instruction == "complete_bash":
        return _answer_older_script(group, settings)
    shell, _, wanted = instruction.partition("_")
    if get_completion_class(shell) is None or wanted not in ("source", "complete"):
        return 1
    asked = _completion(group, settings, shell)
    if wanted == "complete" and not _is_asked(asked):
        return 1
    try:
        told = asked.source() if wanted == "source" else asked.complete()
    except (OSError, UsageRefused, EnvironmentsError, StorageError):
        return 0  # a shell shows no errors while it completes
    # click's own answer prints with `echo`, and a closed pipe would end in a traceback.
    write(strip_control_codes(told) + "\n")
    return 0


def _is_asked(completion: ShellComplete) -> bool:
    """Return whether the shell's variables hold a question."""
    try:
        completion.get_completion_args()
    except (LookupError, ValueError):
        return False
    return True


def _answer_older_script(group: click.Group, settings: Settings) -> int:
    # Scripts installed by versions before click ask for the values alone, one on each line.
    bash = _completion(group, settings, "bash")
    if not _is_asked(bash):
        return 1
    items = bash.get_completions(*bash.get_completion_args())
    write("\n".join(item.value for item in items if item.type == "plain") + "\n")
    return 0


def show(group: click.Group) -> None:
    """Print the completion script for the user's shell."""
    write(_script(group, _shell()))


def install(group: click.Group) -> None:
    """Write the completion script where the user's shell loads it."""
    shell = _shell()
    place = _PLACES[shell]
    home = _home()
    script = home / place.script
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_script(group, shell))
    if place.startup is not None:
        startup = home / place.startup
        line = os.fsencode(place.loading.format(script=_quoted(str(script))))
        # A start-up file may hold bytes of any encoding.
        present = startup.read_bytes().splitlines() if startup.exists() else []
        if line not in present:
            with startup.open("ab") as file:
                file.write(b"\n" + line + b"\n")
    note(f"{shell} completion is installed in {script}; it takes effect in a new shell")


def _quoted(path: str) -> str:
    # Always in quotes, as by earlier versions, so that their line is found again.
    return "'" + path.replace("'", """'"'"'""") + "'"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # without HOME, and without an entry in the list of users
        raise UsageRefused(
            "there is no home directory to install completion in",
            ("set HOME, then envchart --install-completion", "envchart --show-completion"),
        ) from error


def _script(group: click.Group, shell: str) -> str:
    return _completion(group, Settings(), shell).source()


class _Bash(BashComplete):
    """Completion for bash, to which a word such as `team=web` is three words."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the incomplete word, and that word; both as they were typed."""
        before, incomplete = super().get_completion_args()
        joined: list[str] = []
        glued = False
        for word in (*before, incomplete):
            if joined and (glued or set(word) == {"="}):
                joined[-1] += word
            else:
                joined.append(word)
            glued = set(word) == {"="}
        # Bash replaces only what follows the last `=` of joined words.
        rest = "" if set(incomplete) == {"="} else incomplete
        self._kept = joined[-1].removesuffix(rest) if joined[-1] != incomplete else ""
        return joined[:-1], joined[-1]

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the part of a completion that replaces what bash takes for the incomplete word."""
        return f"{item.type},{item.value.removeprefix(self._kept)}"


def _completion(group: click.Group, settings: Settings, shell: str) -> ShellComplete:
    completion = _Bash if shell == "bash" else get_completion_class(shell)
    assert completion is not None, shell  # click has each shell of the table
    return completion(group, {"obj": settings}, "envchart", VARIABLE)


def _shell() -> str:
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in _PLACES:
        raise UsageRefused(
            f"there is no completion for the shell {shell!r}" if shell else "$SHELL names no shell",
            (f"for bash: {VARIABLE}=bash_source envchart", f"for zsh: {VARIABLE}=zsh_source envchart"),
        )
    return shell
