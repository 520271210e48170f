"""The provider `static-site`, which publishes pages in the directory of a web server.

<root>/<instance_name>/         created by provision, removed by destroy
    .envchart                   the lineage of the environment that owns the directory
    site.json                   written by configure
    releases/<digest>/          a copy of the pages, created by release
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

from environments import (
    CommandName,
    Effect,
    FailureCause,
    Observation,
    Probe,
    Probed,
    ProviderSpec,
    ServiceState,
    Step,
    StepContext,
    StepFailed,
    StepOutputs,
    Verdict,
)

if TYPE_CHECKING:
    from environments import AnyEnvironment, Provider


class StaticSite(ProviderSpec, frozen=True, extra="forbid"):
    """A site of static `pages`, published below `root`."""

    kind: Literal["static-site"] = "static-site"
    pages: Path
    root: Path
    title: str = ""

    def relative_to(self, directory: Path, /) -> StaticSite:
        """Return the spec with absolute paths, relative to the directory of the spec's file."""
        places = {"pages": directory.absolute() / self.pages, "root": directory.absolute() / self.root}
        return self.model_copy(update=places)

    def problems(self) -> tuple[str, ...]:
        """Return the reasons why the spec can't be used now."""
        if (self.pages / "index.html").is_file():
            return ()
        return (f"pages: {self.pages} contains no index.html; name the directory that does",)

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the fields that only provisioning can apply."""
        # A site below the old root would be left behind.
        moved = isinstance(new, StaticSite) and new.root != self.root
        return (*super().needs_provision(new), *(("root",) if moved else ()))

    def supports(self, command: CommandName) -> bool:
        """Return whether sites have the command; only register is missing."""
        return command is not CommandName.REGISTER

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command, each with its probe."""
        site = Site.of(self, environment)
        match command:
            case CommandName.PROVISION:
                return [site.step(site.make, site.is_made, root=str(self.root))]
            case CommandName.CONFIGURE:
                return [site.step(site.write_settings, site.settings_written, title=self.title)]
            case CommandName.RELEASE:
                return [site.step(site.copy_pages, site.pages_copied, pages=digest(self.pages))]
            case CommandName.RUN:
                release = environment.outputs.release or ""
                return [site.step(site.publish, site.is_published, release=release)]
            case CommandName.STOP:
                return [site.step(site.unpublish, site.is_unpublished)]
            case CommandName.REGISTER:
                return []
            case CommandName.DESTROY:
                look = site.step(site.verify_absence, site.is_absent, has_effect=False)
                return [site.step(site.remove, site.is_absent), look]

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return no files, since pages write no log."""
        del environment, directory
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the directory, without changing it."""
        del directory
        site = Site.of(self, environment)
        serving = site.current if site.is_ours else None
        state = ServiceState.UP if serving else ServiceState.DOWN
        return Observation(resources=site.is_ours, service=state, serving=serving, detail=str(site.home))


@dataclass(frozen=True, slots=True)
class Site:
    """The directory of an environment, with its effects and probes."""

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
        **inputs: str,
    ) -> Step:
        """Return a step that is named after its effect, with all that its result depends on.

        `up` runs a command again once an input differs.
        """
        return Step(
            name=effect.__name__,
            effect=_effect(effect),
            probe=_probe(probe),
            inputs={"lineage": self.lineage, **inputs},
            idempotent=True,  # each effect looks at the directory first
            has_effect=has_effect,
            timeout=timedelta(minutes=1),
        )

    @property
    def mark(self) -> Path:
        return self.home / ".envchart"

    @property
    def is_ours(self) -> bool:
        """Whether the directory exists and belongs to this environment."""
        # The lineage also distinguishes an earlier environment of the same name.
        return self.mark.is_file() and self.mark.read_text() == self.lineage

    @property
    def current(self) -> str | None:
        """The published release."""
        link = self.home / "current"
        return link.readlink().name if link.is_symlink() and link.is_dir() else None

    def require(self) -> None:
        """Fail if the directory is missing, or belongs to another environment."""
        if not self.is_ours:
            problem = "is not this environment's" if os.path.lexists(self.home) else "is missing"
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"{self.home} {problem}")

    def make(self, _context: StepContext) -> StepOutputs:
        if not self.is_ours:
            draft = self.home.with_name(f".{self.home.name}-{self.lineage}")
            shutil.rmtree(draft, ignore_errors=True)
            (draft / "releases").mkdir(parents=True)
            (draft / ".envchart").write_text(self.lineage)
            try:
                draft.rename(self.home)  # the directory appears at once, with its mark
            except OSError:
                shutil.rmtree(draft)
                self.require()
                raise
        return self.address

    def is_made(self, _context: StepContext) -> Probed:
        if not self.is_ours:
            return Probed.not_done(f"{self.home} is missing, or not this environment's")
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
            return Probed.not_done(f"{path} differs from the declared settings")
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
            return Probed.not_done(f"release {release} is missing")
        return Probed.done(release=release)

    def publish(self, context: StepContext) -> StepOutputs:
        self.require()
        release, before = context.environment.outputs.release, self.current
        draft = self.home / ".current"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("releases", str(release)))
        draft.replace(self.home / "current")  # visitors get either the old or the new pages
        if self.current != release:
            raise StepFailed(FailureCause.FILE_SYSTEM, f"release {release} is missing; release again")
        context.report(f"{self.home / 'current'} shows release {release}")
        return {"serving": release, **({"previous": before} if before not in (None, release) else {})}

    def is_published(self, context: StepContext) -> Probed:
        release = context.environment.outputs.release
        if release is None or self.current != release:
            return Probed.not_done(f"current is {self.current}")
        return Probed.done(serving=release)

    def unpublish(self, context: StepContext) -> StepOutputs:
        self.require()
        current = self.home / "current"
        current.unlink(missing_ok=True)
        context.report(f"{current} shows nothing any more; the releases stay")
        return {"serving": None}

    def is_unpublished(self, _context: StepContext) -> Probed:
        if os.path.lexists(self.home / "current"):
            return Probed.not_done(f"current is {self.current}")
        return Probed.done(serving=None)

    def remove(self, context: StepContext) -> StepOutputs:
        if os.path.lexists(self.home):
            self.require()
            gone = self.home.with_name(f".{self.home.name}-{self.lineage}")
            shutil.rmtree(gone, ignore_errors=True)
            self.home.rename(gone)  # hidden at once, never half removed without its mark
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
            return Probed.not_done(f"{self.remains[0]} still exists")
        return Probed.done(release=None, serving=None, previous=None, url=None)

    def verify_absence(self, context: StepContext) -> StepOutputs:
        found = self.is_absent(context)
        if found.verdict is not Verdict.DONE:
            raise StepFailed(
                FailureCause.INFRASTRUCTURE, f"the site was not removed: {found.reason}; destroy again"
            )
        return found.outputs


def digest(pages: Path) -> str:
    """Return the digest of the pages, which names their release."""
    found = sha256()
    for path in sorted(path for path in pages.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(pages)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def _effect(work: Callable[[StepContext], StepOutputs]) -> Effect:
    """Run blocking work in a thread; errors of the file system fail the step."""

    @wraps(work)
    async def effect(context: StepContext) -> StepOutputs:
        try:
            return await asyncio.to_thread(work, context)
        except OSError as error:
            raise StepFailed(FailureCause.FILE_SYSTEM, str(error)) from error

    return effect


def _probe(look: Callable[[StepContext], Probed]) -> Probe:
    """Run a blocking probe in a thread; after errors of the file system, its result is unknown."""

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
