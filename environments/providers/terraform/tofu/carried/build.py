"""The build directory of an environment on this machine, made to fit the record before it is used."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import known_hosts
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import PINNED, REACHED
from environments.providers.terraform.tofu.backends.declared import BACKEND
from environments.providers.terraform.tofu.carried.choice import Local, Use, choose
from environments.providers.terraform.tofu.carried.keys import StateKeys
from environments.providers.terraform.tofu.carried.locks import require_unlocked
from environments.providers.terraform.tofu.carried.note import Note, identity
from environments.providers.terraform.tofu.carried.version import Version, pack
from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.providers.terraform.tofu.module import is_terraforms
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED
from environments.system.files import entries, make_directories, read_own, remove_tree, replace_file
from statechart.errors import StorageError
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StateCarrier, StepContext
    from environments.providers.terraform.settings import TerraformSettings


_SHOWN = 10


class WentOnApart(StepFailed):
    """Raised when the state on this machine and that in the record each list resources of their own."""


async def at_hand(spec: TerraformSettings, context: StepContext, *, changes: bool = True) -> StepContext:
    """Make the build directory fit the record, and return the context to work in.

    Where the build directory of this machine fits the record, it stays as it is. Else the last state is
    put back, the host's key is pinned, and files of an earlier module are removed, so that the module
    is rendered and initialised before Terraform is asked. Without holding the environment, this is
    done in a directory apart, which the returned context names.

    Args:
        spec: The settings.
        context: The context, with the carrier of the state.
        changes: Whether Terraform may change the state. If not, a directory whose Terraform went on
            apart from the record is left alone as well, for a person to look at.

    Raises:
        StepFailed: The state in the record and that in the directory can't both be right, a key is
            missing, or the store can't be read.
    """
    carrier = context.carried
    if carrier is None:
        return context
    return await in_thread(lambda: _arrived(spec, context, carrier, changes=changes))


def _arrived(
    spec: TerraformSettings, context: StepContext, carrier: StateCarrier, *, changes: bool
) -> StepContext:
    here = Build(spec, context, carrier)
    if carrier.held:
        try:
            here.fit()
        except WentOnApart:
            if changes:
                raise
        else:
            return context
    elif here.fits():
        return context
    look = Build(spec, replace(context, directory=Layout.at(context).look), carrier)
    if not look.fits():
        remove_tree(look.layout.build)
        look.fit()
    return look.context


@dataclass(frozen=True)
class Build:
    """A build directory, and the versions of the state in the record."""

    spec: TerraformSettings
    context: StepContext
    carrier: StateCarrier

    @cached_property
    def layout(self) -> Layout:
        """The layout of the directory."""
        return Layout.at(self.context)

    @cached_property
    def keys(self) -> StateKeys:
        """The keys that encrypt the state.

        Raises:
            StepFailed: The secret is missing, or holds something else than keys.
        """
        return StateKeys.of(self.spec.state_key)

    @cached_property
    def latest(self) -> Version | None:
        """The last version in the record, while the record says that resources may exist.

        Raises:
            StepFailed: The version is damaged, or the store can't be read.
        """
        if not self.context.environment.outputs.details.get(PLANNED):
            return None
        try:
            stored = self.carrier.latest()
        except StorageError as error:
            summary = f"the state of Terraform can't be read from the record: {error}"
            raise StepFailed(FailureCause.PERSISTENCE, summary) from error
        return None if stored is None else Version.parse(stored)

    def fits(self) -> bool:
        """Return whether the directory is that of the last version, with a state that is as new."""
        note, latest = Note.read(self.layout), self.latest
        if latest is None:
            return not self._host_key or self.layout.known_hosts.exists()
        if note is None or note.key != self._host_key:
            return False
        if not note.fits(latest) or not latest.header.kept or self._backend:
            return note.fits(latest)
        if note.is_as_stored(latest, self.layout.state):
            return True
        local = Local.read(self.layout.state)
        return local.state is not None and choose(local, latest.header, ours=True) is not Use.RECORD

    def fit(self) -> None:
        """Make the directory fit the record; a newer state of its own is stored.

        Raises:
            StepFailed: The two states can't both be right, or a key is missing.
        """
        note, latest = Note.read(self.layout), self.latest
        ours = note is not None and (latest is None or note.fits(latest))
        changed = note or Note(token=uuid4().hex)
        if latest is not None and self._backend:
            if not ours:
                put_by(self.layout, latest, self.keys)
        elif (
            latest is not None
            and latest.header.kept
            and not changed.is_as_stored(latest, self.layout.state)
        ):
            changed = self._settle(changed, latest, ours=ours, noted=note is not None)
        elif latest is None:
            self._store_unstored()
        if latest is not None and not ours:
            self._clear()
            changed = changed.model_copy(update={"base": latest.digest})
        if self._host_key and changed.key != self._host_key:
            self._pin(self._host_key)
            changed = changed.model_copy(update={"key": self._host_key})
        # An environment without resources and host needs no directory, and may be about to lose it.
        if changed != note and (latest is not None or self._host_key):
            changed.write(self.layout)

    def store(self, state: WholeState | None, *, by: str, at_work: bool) -> None:
        """Store a version; without a state if the module's backend keeps that.

        Raises:
            StorageError: The version could not be stored.
            StepFailed: The key is missing.
        """
        path = self.layout.completed
        completed = read_own(path).decode() if path.exists() else ""
        self.carrier.carry(pack(state, self.keys, by=by, at_work=at_work, completed=completed))

    @property
    def _backend(self) -> bool:
        """Whether a backend of the module keeps the state, so that the record has one only in distress."""
        return bool(self.context.environment.outputs.details.get(BACKEND))

    def _settle(self, note: Note, latest: Version, *, ours: bool, noted: bool) -> Note:
        """Choose between the state in the directory and that in the record, and return the note."""
        seen, local = identity(self.layout.state), Local.read(self.layout.state)
        use = choose(local, latest.header, ours=ours, known=note.known)
        if use is Use.EITHER:
            use = self._compared(local, latest, noted=noted)
        match use:
            case Use.RECORD:
                state = latest.state(self.keys)
                self._put_back(state, at_work=latest.header.at_work)
                return note.knowing(state, identity(self.layout.state), self.layout)
            case Use.DIRECTORY if self.carrier.held and local.state is not None:
                self._stored(local.state, by=note.token)
                return note.knowing(local.state, seen, self.layout)
            case Use.SAME if local.state is not None and local.state.digest != note.known:
                # A kill came between storing the version and noting that.
                same = latest.state(self.keys).digest == local.state.digest
                return note.knowing(local.state, seen, self.layout) if same else note
            case Use.DAMAGED:
                raise self._damaged(latest)
            case Use.STRANGE:
                raise self._strange(local, latest)
            case _:
                return note

    def _compared(self, local: Local, latest: Version, *, noted: bool) -> Use:
        """Choose the state that lists all resources of the other.

        Raises:
            WentOnApart: Each of them lists a resource that the other lacks, or may do so.
        """
        assert local.state is not None
        recorded, known = latest.state(self.keys), WholeState.read(self.layout.known_state)
        if local.state.digest == recorded.digest:
            return Use.RECORD
        # The other machine knew the resources that the record had before, and may have removed them.
        missing = recorded.lacks(local.state)
        if missing and known is not None and (newer := known.lacks(local.state)) is not None:
            missing = [each for each in missing if each in newer]
        if missing == []:
            return Use.RECORD
        # Without a note, somebody has brought the state here: perhaps the right one, rebuilt by hand.
        if not noted and local.state.serial > recorded.serial and local.state.lacks(recorded) == []:
            return Use.DIRECTORY
        listed = "perhaps some" if missing is None else ", ".join(missing[:_SHOWN])
        more = len(missing) - _SHOWN if missing else 0
        summary = (
            f"Terraform went on here, and another machine took over: {self.layout.state} (serial "
            f"{local.state.serial}) lists resources that the state in the record (serial "
            f"{recorded.serial}) lacks: {listed}{f' and {more} more' if more > 0 else ''}. Remove those "
            "that are still there by hand, by their ids, since the record may have others of the same "
            f"addresses ('terraform show {self.layout.state.name}' in {self.layout.module} tells all of "
            "them); then move the file away, and try again with the state in the record"
        )
        raise WentOnApart(FailureCause.INFRASTRUCTURE, summary)

    def _put_back(self, state: WholeState, *, at_work: bool) -> None:
        """Write the state of the record, with the mark of a Terraform that was cut off."""
        require_unlocked(self.layout)
        make_directories(self.layout.module)
        replace_file(self.layout.state, state.content)
        # It would be taken for a later version than one from the record.
        remove_tree(self.layout.state_backup)
        self._drop_saved(state)
        if at_work:
            mark = {"ID": "", "Operation": "of another machine", "Who": "envchart", "Info": ""}
            replace_file(self.layout.lock, json.dumps(mark).encode())
        else:
            remove_tree(self.layout.lock)

    def _drop_saved(self, state: WholeState) -> None:
        """Remove a state that Terraform could not save, once the record has it."""
        with suppress(FileNotFoundError):
            if read_own(self.layout.unsaved_state) == state.content:
                remove_tree(self.layout.unsaved_state)

    def _store_unstored(self) -> None:
        """Store the state of a record that carries none, such as one of an earlier version."""
        details = self.context.environment.outputs.details
        if not (self.carrier.held and details.get(PLANNED)):
            return
        state = WholeState.read(self.layout.state)
        if state is not None and state.lineage == details.get(LINEAGE):
            self._stored(state, by="")

    def _stored(self, state: WholeState, *, by: str) -> None:
        try:
            self.store(state, by=by, at_work=self.layout.lock.exists())
        except StorageError as error:
            summary = f"the state of Terraform could not be stored with the record: {error}"
            raise StepFailed(FailureCause.PERSISTENCE, summary) from error

    def _clear(self) -> None:
        """Remove the files of an earlier module, so that the module is rendered again before use."""
        # With destroy-time provisioners of an earlier module, a teardown would leave something behind.
        for path in entries(self.layout.module):
            if not is_terraforms(path.name):
                remove_tree(path)
        remove_tree(self.layout.manifest)

    @cached_property
    def _host_key(self) -> str:
        outputs = self.context.environment.outputs
        details, declared = outputs.details, self.spec.ssh.host_key
        if outputs.instance_ip is None or not details.get(REACHED):
            return ""
        # Records of an earlier version have the key only if it was known beforehand.
        return str(details.get(PINNED) or declared or details.get("ssh_host_key") or "")

    def _pin(self, key: str) -> None:
        address = str(self.context.environment.outputs.instance_ip)
        known_hosts.pin(self.layout.known_hosts, address, self.spec.ssh.port, key)

    def _damaged(self, latest: Version) -> StepFailed:
        summary = (
            f"{self.layout.state} is damaged, since Terraform was killed while it wrote. The record has "
            f"the state with the serial {latest.header.serial}: look whether a resource was made after "
            "that one, then move the file away, and try again"
        )
        return StepFailed(FailureCause.FILE_SYSTEM, summary)

    def _strange(self, local: Local, latest: Version) -> StepFailed:
        found = local.state.lineage if local.state else "missing"
        summary = (
            f"{self.layout.state} is not the state of this environment: its lineage is {found}, and that "
            f"of the record is {latest.header.lineage}. Move it away, then try again"
        )
        return StepFailed(FailureCause.INFRASTRUCTURE, summary)


def put_by(layout: Layout, latest: Version, keys: StateKeys) -> None:
    """Write down what a module's backend may lack: a state that was not saved, and a report."""
    make_directories(layout.module)
    if latest.header.kept:
        replace_file(layout.unsaved_state, latest.state(keys).content)
    else:
        remove_tree(layout.unsaved_state)
    if latest.header.completed:
        replace_file(layout.completed, latest.header.completed.encode())
    else:
        remove_tree(layout.completed)
