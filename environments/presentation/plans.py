"""Plans as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.checks.difference import DriftKind
from environments.checks.drift import Drift
from environments.convergence.plan import make_plan, reason_of
from environments.model.environment import Environment
from statechart.terminal.control_codes import strip_control_codes

if TYPE_CHECKING:
    from environments.convergence.plan import Plan

_INDENT = 14  # the commands' column: two blanks, the longest command, a gap


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as people see it: also the commands that no plan contains.

    Attributes:
        plan: The plan.
        condition: The condition of the environment, or None if it does not exist yet.
        steps: All commands, each with its reasons.
    """

    plan: Plan
    condition: str | None
    steps: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, plan: Plan, *, missing: bool = False, recreate: bool = False) -> PlanView:
        """Return the view of a plan.

        Args:
            plan: The plan; of a missing environment, that after its creation.
            missing: Whether the environment has to be created first.
            recreate: Whether gone resources are created again.
        """
        if missing:
            return cls(plan, None, (("create", ("there is no such environment",)), *_steps(plan)))
        return cls(plan, plan.environment.condition, _again(plan) if recreate else _steps(plan))

    @property
    def obstacles(self) -> tuple[str, ...]:
        """The lines about what is in the way of the plan, unless the plan ends it."""
        if self.steps[:1] and self.steps[0][0] == "destroy":
            return ()
        return tuple(map(reason_of, self.plan.obstacles))

    def document(self) -> dict[str, object]:
        """Return the plan as JSON."""
        return {
            "name": self.plan.name,
            "state": self.plan.environment.state.name.value if self.condition else None,
            "target": self.plan.target.value,
            "plan": [command for command, _ in self.steps],
            "commands": [{"command": command, "reasons": list(why)} for command, why in self.steps],
            "obstacles": [
                {"kind": each.kind.value, "what": each.what}
                for each in self.plan.obstacles[: len(self.obstacles)]
            ],
            "unseen": list(self.plan.unseen),
        }

    def text(self) -> str:
        """Return the plan as text: a line for each reason of each command."""
        name, target = self.plan.name, self.plan.target
        if self.obstacles:
            lines = (f"  {strip_control_codes(line)}" for line in self.obstacles)
            return "\n".join([f"{name}: {self.condition}, can't be brought to {target}", *lines])
        if not self.steps:
            where = " in the parts that were inspected" if self.plan.unseen else ""
            return f"{name} is {self.condition}: nothing to do{where}"
        head = f"{name}: {self.condition or 'missing'}, would be brought to {target}"
        return "\n".join([head, *(line for command, why in self.steps for line in _lines(command, why))])


def _again(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the steps that create an environment again, if its resources are gone."""
    gone = tuple(reason_of(each) for each in plan.obstacles if each.kind is DriftKind.HOST_GONE)
    if not gone:
        return _steps(plan)
    created = Environment.new(plan.environment.spec, plan.environment.updated_at)
    anew = make_plan(Drift(created), plan.target)
    return (("destroy", gone), ("create", ("as it is declared",)), *_steps(anew))


def _steps(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((str(each.command), each.reasons) for each in plan.commands)


def _lines(command: str, reasons: Sequence[str]) -> Iterable[str]:
    """Yield a line for each reason, the first after the command."""
    for number, reason in enumerate(reasons):
        first = "" if number else command
        yield f"  {first:{_INDENT - 2}}{strip_control_codes(reason)}"
