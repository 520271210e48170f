"""The JSON messages that OpenTofu and Terraform print, one a line.

Source: Terraform's machine-readable UI, version 1.2, which OpenTofu shares.
"""

# `@message`, the text for people, is never read: it differs between the two programs.

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.tool_output import FRAME

SUMMED_UP = {"plan": "plan", "apply": "apply", "destroy": "destroy"}
"""The subcommands that end with a summary of the changes, with the operation that it names."""

_VARIABLES = "variables."
_MAJOR = "1"
_ENDED = {"apply_complete": "done", "apply_errored": "failed", "refresh_complete": ""}
# The cause is known by the wording only: diagnostics carry no codes.
_NETWORK = re.compile(
    r"no such host|connection refused|connection reset|i/o timeout|network is unreachable|no route to host|"
    r"could not resolve|TLS handshake|Failed to query available provider packages|temporary failure|"
    # Of backends that are about to start or to stop.
    r"database system is (starting up|shutting down|in recovery)|terminating connection|broken pipe|"
    r"giving up after \d+ attempt|HTTP response code:? 5\d\d|unexpected EOF|"
    r"\bEOF$|Client\.Timeout|context deadline exceeded",
    re.I,
)
_AUTHENTICATION = re.compile(
    r"\b(401|403)\b|access ?denied|unauthori[sz]ed|forbidden|invalid (api )?(token|credentials?)|"
    r"no valid credential|authentication failed|expired token|permission denied \(publickey",
    re.I,
)
_DAMAGE = re.compile(
    r"(unsupported|corrupt|invalid) state file|state file could not be|state snapshot", re.I
)
# The texts of the backends http and pg.
_ASKER = re.compile(r"already locked(: ID=(?P<id>\S+)|: (?!ID=)\S+| for workspace creation)")
_WAITING = {"Acquiring state lock. This may take a few moments..."}
_CHECK_FAILED = "Check block assertion failed"
_CONFIGURATION = re.compile(
    r"^(Invalid |Unsupported |Missing |Reference to |Argument |Duplicate |No value for |Unclosed |"
    r"Value for undeclared|Error parsing|Failed to read|No configuration files|Module not |"
    r"Inconsistent dependency lock|Unreadable module|Failed to parse)",
)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning of the program."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    file: str = ""

    @classmethod
    def of(cls, content: dict[str, Any]) -> Diagnostic:
        """Read a diagnostic from JSON."""
        texts = {key: str(content.get(key) or "") for key in ("severity", "summary", "detail", "address")}
        return cls(**texts, file=str(_mapping(content.get("range")).get("filename") or ""))

    @property
    def cause(self) -> FailureCause:
        """The kind of cause, by the wording of the diagnostic."""
        # Texts for people are broken into lines of a fixed length.
        text = " ".join(f"{self.summary}\n{self.detail}".split())
        if self.is_damage:
            return FailureCause.FILE_SYSTEM
        if self.address.startswith(_VARIABLES):
            return FailureCause.CONFIGURATION
        if _AUTHENTICATION.search(text):
            return FailureCause.AUTHENTICATION
        if _NETWORK.search(text):
            return FailureCause.NETWORK
        if _CONFIGURATION.search(self.summary):
            return FailureCause.CONFIGURATION
        return FailureCause.INFRASTRUCTURE

    def line(self) -> str:
        """Return address, summary and the first line of the detail, in one line."""
        if self.is_damage:
            return f"Terraform's state can't be read ({self._damage}): put it back from a backup"
        if "state lock" in self.summary and self.cause is FailureCause.INFRASTRUCTURE:
            return _locked(self.detail)
        where = f"{self.address}: " if self.address else ""
        why = self.reason
        summary = self.summary.partition("\n")[0]
        return f"{where}{summary}{f': {why}' if why and why != summary else ''}"

    @property
    def is_damage(self) -> bool:
        """Whether the state can't be read."""
        # The summary does not tell: it may be "Error acquiring the state lock", as for a held lock.
        return bool(_DAMAGE.search(f"{self.summary}\n{self.detail}"))

    @property
    def _damage(self) -> str:
        lines = f"{self.summary}\n{self.detail}".splitlines()
        return next(line.lstrip("- ").strip() for line in lines if _DAMAGE.search(line))

    @property
    def reason(self) -> str:
        """The first line of the detail."""
        return next((line.strip() for line in self.detail.splitlines() if line.strip()), "")


def _locked(detail: str) -> str:
    """Return a message that names the holder of the state's lock, as far as it is known."""
    facts = dict(re.findall(r"^\s*(ID|Who|Created):\s*(\S.*?)\s*$", detail, re.M))
    # These backends tell about the asker, in place of the holder.
    if found := _ASKER.search(detail):
        known = f" (the lock's ID is {found['id']})" if found["id"] else ""
        return (
            f"another program holds the lock of Terraform's state{known}, and the backend does not tell "
            "which: let that Terraform end, or end it, then try again"
        )
    who = facts.get("Who", "somebody")
    since = f" since {facts['Created']}" if "Created" in facts else ""
    return f"{who} holds the lock of Terraform's state{since}: wait until it is free, then try again"


def told_to_people(failed: StepFailed) -> StepFailed:
    """Return the failure of a subcommand with the error that it printed for people, and with its cause."""
    lines = [line.strip(FRAME) for line in failed.detail.splitlines()]
    errors = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    told = [line for line in lines[errors[0] if errors else 0 :] if line and line not in _WAITING]
    if not told or failed.cause is not FailureCause.COMMAND_EXECUTION:
        return failed
    found = Diagnostic("error", told[0].removeprefix("Error: "), "\n".join(told[1:]))
    return StepFailed(found.cause, found.line(), failed.detail)


@dataclass(slots=True)
class Messages:
    """Collects a run's diagnostics and reports its progress.

    Attributes:
        progress: Called with the progress of each resource.
        diagnostics: Errors and warnings.
        variables: The names of variables, by the path of the file that sets them.
        version: The version of the messages' format.
        operation: The operation that was summed up.
        summary: The number of changes, such as `1 to add, 0 to change, 0 to destroy`.
        drift: The resources that differ from the state, as `address: action`.
        changes: The resources with planned changes, as `address: action`.
        outputs: The names of the planned outputs, also of those without a change.
    """

    progress: Callable[[str], None] = lambda _text: None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    summary: str = ""
    drift: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    outputs: set[str] = field(default_factory=set)
    variables: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    operation: str = ""

    def take(self, line: str) -> None:
        """Read a line of output. Lines that are not JSON messages are ignored."""
        if not line.startswith("{"):
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(message, dict):
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "diagnostic":
                found = Diagnostic.of(_mapping(message.get("diagnostic")))
                if found.file in self.variables:
                    found = replace(found, address=_VARIABLES + self.variables[found.file])
                self.diagnostics.append(found)
                if found.severity == "warning":
                    self.progress(f"warning: {found.line()}")
            case "version":
                self.version = str(message.get("ui"))
            case "change_summary":
                changes = _mapping(message.get("changes"))
                self.operation, self.summary = str(changes.get("operation")), _summary(changes)
            case "planned_change":
                self.changes.append(_change(message))
            case "outputs":
                self.outputs |= _mapping(message.get("outputs")).keys()
            case "resource_drift":
                self.drift.append(_change(message))
            case "apply_start" | "apply_complete" | "apply_errored" as kind:
                self.progress(_progress(kind, _mapping(message.get("hook"))))

    def take_diagnostics(self, document: Mapping[str, Any]) -> None:
        """Read the diagnostics of a JSON document."""
        found = document.get("diagnostics")
        for each in found if isinstance(found, list) else ():
            self.diagnostics.append(Diagnostic.of(_mapping(each)))

    def require_summary(self, subcommand: str) -> None:
        """Check that a run that succeeded was understood to its end.

        Raises:
            StepFailed: The messages are of an unknown version, or end without a summary.
        """
        why = ""
        if self.version.partition(".")[0] != _MAJOR:
            why = f"their version is {self.version or 'not told'}, and only {_MAJOR}.x is known"
        elif self.operation != SUMMED_UP[subcommand]:
            why = "they do not sum up the changes"
        if why:
            summary = f"the messages of '{subcommand}' are not understood: {why}"
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors of the run."""
        # "execution halted" follows an interruption and adds nothing, unless there is no other error.
        found = [each for each in self.diagnostics if each.severity == "error"]
        return [each for each in found if each.summary != "execution halted"] or found

    @property
    def failed_checks(self) -> list[str]:
        """The failures of the module's own `check` blocks, which the program reports as warnings."""
        found = [each for each in self.diagnostics if each.severity == "warning"]
        return [each.reason or each.summary for each in found if each.summary == _CHECK_FAILED]

    def failure(self, failed: StepFailed) -> StepFailed:
        """Return the failure of a run with the program's diagnostics, if there are errors among them."""
        if not self.errors or failed.cause is FailureCause.CANCELLED:
            return failed
        first = self.errors[0]
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        detail = "\n\n".join(f"{each.summary}\n{each.detail}".strip() for each in self.errors)
        return StepFailed(first.cause, f"{first.line()}{more}", detail)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _summary(changes: dict[str, Any]) -> str:
    words = {"add": "to add", "change": "to change", "remove": "to destroy"}
    if changes.get("operation") != "plan":
        words = {"add": "added", "change": "changed", "remove": "destroyed"}
    return ", ".join(f"{changes.get(key, 0)} {word}" for key, word in words.items())


def _change(message: dict[str, Any]) -> str:
    change = _mapping(message.get("change"))
    address = _mapping(change.get("resource")).get("addr", "a resource")
    return f"{address}: {change.get('action', 'changed')}"


def _progress(kind: str, hook: dict[str, Any]) -> str:
    address = _mapping(hook.get("resource")).get("addr", "a resource")
    action = hook.get("action", "change")
    if kind == "apply_start":
        return f"{address}: {action} begun"
    took = hook.get("elapsed_seconds")
    after = f" after {took} s" if isinstance(took, int | float) else ""
    return f"{address}: {action} {_ENDED[kind]}{after}"
