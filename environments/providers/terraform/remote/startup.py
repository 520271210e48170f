"""The time from a service's start until the service has proved healthy, seen from this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.health import TOKEN_HEADER, Answer, HealthVerdict, ask
from environments.providers.common.service_variables import TOKEN
from environments.providers.terraform.remote.host import HostDirectory, RemoteService
from environments.providers.terraform.settings import ServiceSettings
from environments.system.waiting import until

_PAUSE = 0.2
_RESTARTS = 3  # as many may be bad luck, more are a crash loop


@dataclass(frozen=True, slots=True)
class Startup:
    """A service that was started and has not proved healthy yet.

    Attributes:
        tell: Called with the reason to go on waiting.
    """

    service: ServiceSettings
    host: HostDirectory
    tell: Callable[[str], None] = lambda _reason: None

    async def wait(self) -> float:
        """Wait until the service is healthy and stays healthy, and return the seconds that took.

        Raises:
            StepFailed: The service ended or keeps ending, another program answers, or time is up.
        """
        began = time.monotonic()
        instance, answer = await until(
            self._look,
            within=self.service.start_timeout,
            every=_PAUSE,
            satisfied=lambda seen: seen[1].kind is HealthVerdict.HEALTHY,
        )
        if answer.kind is not HealthVerdict.HEALTHY:
            raise await self._late(instance, answer)
        seconds = time.monotonic() - began
        # The process is looked up once more: the one that answered may have ended since.
        await self._settle(await self._living())
        return seconds

    async def _look(self) -> tuple[RemoteService, Answer]:
        instance = await self._living()
        answer = await self.ask(instance)
        self.tell(answer.yet)
        return instance, answer

    async def ask(self, instance: RemoteService) -> Answer:
        """Check the health of the service from this machine."""
        address = self.host.remote.target.host
        return await ask(self.service.port, self.service.health, instance.token, host=address)

    async def _living(self) -> RemoteService:
        """Return the instance.

        Raises:
            StepFailed: The service has ended, or keeps ending.
        """
        instance = await self.host.instance()
        if instance is None or not instance.alive:
            raise StepFailed(FailureCause.COMMAND_EXECUTION, "the service ended after its start")
        if instance.restarts > _RESTARTS:
            summary = f"the service keeps ending: it was started {instance.restarts + 1} times"
            raise StepFailed(FailureCause.COMMAND_EXECUTION, summary)
        return instance

    async def _settle(self, healthy: RemoteService) -> None:
        """Check after the settle time that the same process is still there and answers.

        Raises:
            StepFailed: The service was restarted, or is not healthy.
        """
        settle = self.service.settle.total_seconds()
        await asyncio.sleep(settle)
        instance = await self._living()
        if (instance.pid, instance.restarts) != (healthy.pid, healthy.restarts):
            summary = f"the service did not stay healthy for {settle:g} s: it ended and was restarted"
            raise StepFailed(FailureCause.COMMAND_EXECUTION, summary)
        answer = await self.ask(instance)
        if answer.kind is not HealthVerdict.HEALTHY:
            raise await self._late(instance, answer)

    async def _late(self, instance: RemoteService, answer: Answer) -> StepFailed:
        """Return the failure of a service that is not healthy, with the most likely reason."""
        service = self.service
        if answer.kind is HealthVerdict.UNPROVEN:
            advice = f"another program has the port, or the service does not send {TOKEN} in {TOKEN_HEADER}"
            return StepFailed(FailureCause.CONFIGURATION, f"{answer.detail}: {advice}")
        # A service that answers on its host only listens on loopback, or is behind a firewall.
        silent = answer.kind is HealthVerdict.SILENT
        if silent and await self.host.answers(service.port, service.health, instance.token):
            summary = f"the service answers on the host itself but not from here: {answer.detail}"
            advice = "check that it listens on $HOST, and that no firewall is in between"
            return StepFailed(FailureCause.NETWORK, f"{summary}; {advice}")
        summary = f"the service did not become or stay healthy: {answer.detail}"
        return StepFailed(FailureCause.TIMEOUT, summary)
