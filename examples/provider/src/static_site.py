"""The provider `static-site`: pages published in a directory that some web server serves.

<root>/<instance_name>/         made by provision, removed by destroy
    .envchart                   whose it is: the environment's lineage
    site.json                   written by configure
    releases/<digest>/          a copy of the pages, made by release
    current -> releases/…       switched by run; the web server's document root
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from environments import CommandName, FailureCause, Probed, ProviderSpec, Step, StepContext, StepFailed
from environments.model.observation import Observation, ServiceState
from environments.model.steps import Effect, Probe, StepOutputs, Verdict

if TYPE_CHECKING:
    from environments import AnyEnvironment, Provider


class StaticSite(ProviderSpec, frozen=True, extra="forbid"):
    """A site of static pages: `pages` are published below `root`."""

    kind: Literal["static-site"] = "static-site"
    pages: Path
    root: Path
    title: str = ""

    def relative_to(self, directory: Path, /) -> StaticSite:
        """Return it with both paths absolute, as seen from a directory: that of the file it was in."""
        places = {"pages": directory.absolute() / self.pages, "root": directory.absolute() / self.root}
        return self.model_copy(update=places)

    def problems(self) -> tuple[str, ...]:
        """Return why it can't be used: there is nothing to publish."""
        if (self.pages / "index.html").is_file():
            return ()
        return (f"pages: {self.pages} holds no index.html; name the directory that does",)

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return `root` if it differs: what is there would be left behind."""
        moved = isinstance(new, StaticSite) and new.root != self.root
        return (*super().needs_provision(new), *(("root",) if moved else ()))

    def supports(self, command: CommandName) -> bool:
        """Return whether a site knows the command: it adopts nothing."""
        return command is not CommandName.REGISTER

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command, each with the probe that tells whether it is done."""
        site = Site.of(self, environment)
        match command:
            case CommandName.PROVISION:
                return [site.step(site.make, site.is_made)]
            case CommandName.CONFIGURE:
                return [site.step(site.write_settings, site.settings_written)]
            case CommandName.RELEASE:
                return [site.step(site.copy_pages, site.pages_copied)]
            case CommandName.RUN:
                return [site.step(site.publish, site.is_published)]
            case CommandName.REGISTER:
                return []
            case CommandName.DESTROY:
                look = site.step(site.verify_absence, site.is_absent, has_effect=False)
                return [site.step(site.remove, site.is_absent), look]

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return nothing: pages don't talk."""
        del environment, directory
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Look at the directory, and change nothing."""
        del directory
        site = Site.of(self, environment)
        serving = site.current if site.is_ours else None
        state = ServiceState.UP if serving else ServiceState.DOWN
        return Observation(resources=site.is_ours, service=state, serving=serving, detail=str(site.home))


@dataclass(frozen=True, slots=True)
class Site:
    """One environment's directory: the effects that change it, and the probes that look at it."""

    spec: StaticSite
    lineage: str
    home: Path

    @classmethod
    def of(cls, spec: StaticSite, environment: AnyEnvironment) -> Site:
        """Return the site of an environment."""
        return cls(spec, environment.lineage, spec.root / environment.spec.instance_name)

    def step(
        self,
        effect: Callable[[StepContext], StepOutputs],
        probe: Callable[[StepContext], Probed],
        *,
        has_effect: bool = True,
    ) -> Step:
        """Return a step named after its effect. Each may be repeated: it first looks what is there."""
        return Step(
            name=effect.__name__,
            effect=_effect(effect),
            probe=_probe(probe),
            inputs={"lineage": self.lineage, "spec": self.spec.model_dump(mode="json")},
            idempotent=True,
            has_effect=has_effect,
            timeout=timedelta(minutes=1),
        )

    @property
    def mark(self) -> Path:
        return self.home / ".envchart"

    @property
    def is_ours(self) -> bool:
        """Whether the directory is there, and this very environment's: no other of the same name."""
        return self.mark.is_file() and self.mark.read_text() == self.lineage

    @property
    def current(self) -> str | None:
        """The release that is published."""
        link = self.home / "current"
        return link.readlink().name if link.is_symlink() and link.is_dir() else None

    def require(self) -> None:
        """Refuse to touch what is somebody else's, or is gone."""
        if not self.is_ours:
            what = "is not this environment's" if os.path.lexists(self.home) else "is gone"
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"{self.home} {what}")

    def make(self, _context: StepContext) -> StepOutputs:
        if not self.is_ours:
            draft = self.home.with_name(f".{self.home.name}-{self.lineage}")
            shutil.rmtree(draft, ignore_errors=True)
            (draft / "releases").mkdir(parents=True)
            (draft / ".envchart").write_text(self.lineage)
            try:
                draft.rename(self.home)  # it appears at once, mark and all
            except OSError:
                shutil.rmtree(draft)
                self.require()
                raise
        return self.address

    def is_made(self, _context: StepContext) -> Probed:
        if not self.is_ours:
            return Probed.not_done(f"{self.home} is not there, or not ours")
        return Probed.done(**self.address)

    @property
    def address(self) -> dict[str, str]:
        return {"url": (self.home.absolute() / "current" / "index.html").as_uri()}

    @property
    def settings(self) -> str:
        return json.dumps({"title": self.spec.title}) + "\n"

    def write_settings(self, context: StepContext) -> StepOutputs:
        self.require()
        (self.home / "site.json").write_text(self.settings)
        context.report(f"title {self.spec.title!r}")
        return {}

    def settings_written(self, _context: StepContext) -> Probed:
        path = self.home / "site.json"
        if not path.is_file() or path.read_text() != self.settings:
            return Probed.not_done(f"{path} does not say what is declared")
        return Probed.done()

    def copy_pages(self, context: StepContext) -> StepOutputs:
        self.require()
        release = digest(self.spec.pages)
        there = self.home / "releases" / release
        if not there.is_dir():
            draft = there.with_name(f".{release}")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(self.spec.pages, draft)
            draft.rename(there)
        context.report(f"release {release}")
        return {"release": release}

    def pages_copied(self, _context: StepContext) -> Probed:
        release = digest(self.spec.pages)
        if not (self.home / "releases" / release).is_dir():
            return Probed.not_done(f"release {release} is not there")
        return Probed.done(release=release)

    def publish(self, context: StepContext) -> StepOutputs:
        self.require()
        release, before = context.environment.outputs.release, self.current
        draft = self.home / ".current"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("releases", str(release)))
        draft.replace(self.home / "current")  # a visitor gets the old pages or the new ones
        if self.current != release:
            raise StepFailed(FailureCause.FILE_SYSTEM, f"release {release} is not there; release again")
        context.report(f"{self.home / 'current'} shows release {release}")
        return {"serving": release, **({"previous": before} if before not in (None, release) else {})}

    def is_published(self, context: StepContext) -> Probed:
        release = context.environment.outputs.release
        if release is None or self.current != release:
            return Probed.not_done(f"current is {self.current}")
        return Probed.done(serving=release)

    def remove(self, context: StepContext) -> StepOutputs:
        if os.path.lexists(self.home):
            self.require()
            gone = self.home.with_name(f".{self.home.name}-{self.lineage}")
            shutil.rmtree(gone, ignore_errors=True)
            self.home.rename(gone)  # out of sight at once, and never half of it with the mark gone
        for left in self.remains:
            shutil.rmtree(left)
        context.report(f"{self.home} removed")
        return {"release": None, "serving": None, "previous": None, "url": None}

    @property
    def remains(self) -> list[Path]:
        places = [self.home, self.home.with_name(f".{self.home.name}-{self.lineage}")]
        return [place for place in places if os.path.lexists(place)]

    def is_absent(self, _context: StepContext) -> Probed:
        if self.remains:
            return Probed.not_done(f"{self.remains[0]} is still there")
        return Probed.done(release=None, serving=None, previous=None, url=None)

    def verify_absence(self, context: StepContext) -> StepOutputs:
        found = self.is_absent(context)
        if found.verdict is not Verdict.DONE:
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"not all is gone: {found.reason}; destroy again")
        return found.outputs


def digest(pages: Path) -> str:
    """Return what a release of these pages is named after: their content."""
    found = sha256()
    for path in sorted(path for path in pages.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(pages)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def _effect(work: Callable[[StepContext], StepOutputs]) -> Effect:
    """Do blocking work beside the event loop; what the file system refuses fails the step."""

    @wraps(work)
    async def effect(context: StepContext) -> StepOutputs:
        try:
            return await asyncio.to_thread(work, context)
        except OSError as error:
            raise StepFailed(FailureCause.FILE_SYSTEM, str(error)) from error

    return effect


def _probe(look: Callable[[StepContext], Probed]) -> Probe:
    """Look beside the event loop; where the file system refuses, the world does not tell."""

    @wraps(look)
    async def probe(context: StepContext) -> Probed:
        try:
            return await asyncio.to_thread(look, context)
        except OSError as error:
            return Probed.unknown(str(error))

    return probe


if TYPE_CHECKING:

    def _is_a_provider(spec: StaticSite) -> Provider:
        return spec
