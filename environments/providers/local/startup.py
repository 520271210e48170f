"""The time between the start of a service and the proof that it is healthy."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import log_tail
from environments.providers.common.health import TOKEN_HEADER, Answer, HealthVerdict, ask
from environments.providers.common.service_variables import TOKEN
from environments.providers.local.instance import Instance
from environments.providers.local.service import Service
from environments.providers.local.settings import LocalSettings
from environments.secrets.redaction import redactor
from environments.system import processes
from environments.system.waiting import until
from statechart.following.cancellation import in_thread, shielded

_PAUSE = 0.05
_ANSWER_WITHIN = 2.0
_CANCEL_GRACE = timedelta(seconds=1)  # who cancels does not want to wait for the service's own grace


@dataclass(frozen=True, slots=True)
class Startup:
    """A service that has been started and is not known to be healthy yet.

    Attributes:
        tell: Called with the reason to go on waiting.
    """

    spec: LocalSettings
    service: Service
    tell: Callable[[str], None] = lambda _reason: None

    async def wait(self) -> float:
        """Wait until the service is healthy, and again after the settle time; return the seconds.

        The service is ended if it does not become healthy, or if the wait is cancelled.

        Raises:
            StepFailed: The service ended, another program answers, or time is up.
        """
        instance = self.service.instance
        if instance is None:
            raise StepFailed(FailureCause.COMMAND_EXECUTION, "no service is recorded: run again")
        try:
            return await self._healthy(instance)
        except StepFailed as failure:
            hindrance = await self._end()
            if not hindrance:
                raise
            summary = f"{failure.summary}; then: {hindrance}"
            raise StepFailed(failure.cause, summary, failure.detail) from failure
        except asyncio.CancelledError:
            grace = min(_CANCEL_GRACE, self.spec.stop_grace)
            await shielded(self.service.stop(grace, self.spec.health))
            raise

    async def _end(self) -> str:
        """End the service; return the reason if that fails, or an empty string."""
        try:
            await shielded(self.service.stop(self.spec.stop_grace, self.spec.health))
        except StepFailed as hindrance:
            return hindrance.summary
        return ""

    async def _healthy(self, instance: Instance) -> float:
        begun = time.monotonic()

        async def lasting() -> tuple[Answer, float]:
            answer = await self._ask(instance)
            self.tell(answer.yet)
            after = time.monotonic() - begun
            # Many services answer before they are ready, and exit when a connection of theirs fails.
            if answer.kind is HealthVerdict.HEALTHY:
                await asyncio.sleep(self.spec.settle.total_seconds())
                answer = await self._ask(instance)
            return answer, after

        answer, healthy_after = await until(
            lasting,
            within=self.spec.start_timeout,
            every=_PAUSE,
            satisfied=lambda found: found[0].kind is HealthVerdict.HEALTHY,
        )
        if answer.kind is not HealthVerdict.HEALTHY:
            raise self._late(instance, answer)
        return healthy_after

    async def _ask(self, instance: Instance) -> Answer:
        """Check once.

        Raises:
            StepFailed: The service has ended, or another program answers: waiting changes neither.
        """
        within = min(_ANSWER_WITHIN, self.spec.start_timeout.total_seconds())
        answer = await ask(instance.port, self.spec.health, instance.token, within=within)
        # Checked after the answer: if the service has exited, another program may have given it.
        if await in_thread(self.service.leader) is None:
            raise self._exited(instance)
        if answer.kind is HealthVerdict.UNPROVEN:
            await self._check_listener(instance)
        return answer

    async def _check_listener(self, instance: Instance) -> None:
        listener = await in_thread(lambda: processes.listener_on(instance.port))
        own = {each.pid for each in await in_thread(self.service.processes)}
        if listener is not None and listener.pid not in own:
            summary = f"another program answers on port {instance.port}: {listener.describe()}"
            raise self._failure(FailureCause.NETWORK, f"{summary}; stop it, then run again", instance)

    def _exited(self, instance: Instance) -> StepFailed:
        # Only a child of this process has an exit status here; after a recovery it is not ours.
        pid = instance.process.pid if instance.process else -1
        status = processes.exit_statuses().get(pid)
        match status:
            case None:
                how = "the app exited"
            case 0:
                how = "the app exited with status 0; it has to stay in the foreground"
            case _ if status < 0:
                how = f"the app was ended by {signal.Signals(-status).name}"
            case _:
                how = f"the app exited with status {status}"
        return self._failure(FailureCause.COMMAND_EXECUTION, how, instance)

    def _late(self, instance: Instance, answer: Answer) -> StepFailed:
        seconds = self.spec.start_timeout.total_seconds()
        # The most frequent mistake with a new application deserves its own advice.
        if answer.kind is HealthVerdict.UNPROVEN:
            advice = f"let it answer with the value of {TOKEN}, in the header {TOKEN_HEADER} or in the body"
            return self._failure(FailureCause.CONFIGURATION, f"{answer.detail}; {advice}", instance)
        summary = f"the app did not get healthy within {seconds:g} s: {answer.detail}"
        return self._failure(FailureCause.TIMEOUT, summary, instance)

    def _failure(self, cause: FailureCause, summary: str, instance: Instance) -> StepFailed:
        """Return a failure with the last lines of the service's log."""
        log = self.service.log
        said = log_tail.tail(log, instance.log_offset, redactor(self.spec))
        last = log_tail.last_word(said)
        detail = f"The last lines of {log}:\n{said}" if said else f"{log} gained no lines."
        return StepFailed(cause, f"{summary}; it said last: {last}" if last else summary, detail)
