"""SSH connections to a host, with one private key and a pinned host key."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shlex import join, quote
from typing import TYPE_CHECKING, NoReturn, TypeVar

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.addresses import host_port
from environments.providers.common.failures import certainly
from environments.providers.common.known_hosts import read_known_hosts
from environments.providers.common.ssh_library import load_asyncssh
from environments.system.files import AnyPath
from environments.system.waiting import retry

if TYPE_CHECKING:
    import asyncssh

ResultT = TypeVar("ResultT")

_CONNECT = timedelta(seconds=10)
_KEEPALIVE = timedelta(seconds=5)
_PAUSE = 0.3
_SUDO_REFUSED = re.compile(
    r"^sudo: .*(password|terminal|tty|not allowed|not in the sudoers|may not run)", re.M
)
_NO_SUDO = re.compile(r"sudo.*(not found|no such file)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A host with the settings for a connection.

    Attributes:
        host: The address.
        port: The port of the SSH server.
        user: The user on the host.
        key: The file of the private key. No other key is offered, and no agent is asked.
        known_hosts: The file of the accepted host keys. No other key is accepted.
        become: Whether commands run as root, by sudo. Files are still copied as the user.
        connect_timeout: The time limit of one attempt to connect.
        keepalive: The interval of keepalive messages; after three without an answer the connection
            counts as lost.
    """

    host: str
    user: str
    key: Path
    known_hosts: AnyPath
    port: int = 22
    become: bool = False
    connect_timeout: timedelta = _CONNECT
    keepalive: timedelta = _KEEPALIVE

    def describe(self) -> str:
        """Return user, host and port, the port only if it is not SSH's own."""
        user = f"{self.user}@" if self.user else ""  # none is needed to ask for the host's key
        return f"{user}{self.host if self.port == 22 else host_port(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Exit status and output of a command on the host."""

    status: int
    stdout: str
    stderr: str


class Connection:
    """An open connection to a host."""

    def __init__(self, target: Target, connection: asyncssh.SSHClientConnection) -> None:
        self.target = target
        self._connection = connection

    async def run(
        self,
        command: str,
        *,
        timeout: timedelta | None = None,
        input: str | None = None,
        check: bool = True,
    ) -> CommandResult:
        """Run a command in `sh`, as root if the target has `become`.

        Args:
            command: The text for `sh`; its parts have to be quoted already.
            timeout: The time limit. The command may still run on the host after that.
            input: The standard input, empty by default.
            check: Whether another exit code than 0 is a failure.

        Raises:
            StepFailed: The command failed or timed out, sudo refused it, or the connection was lost.
        """
        become = ["sudo", "-n", "--"] if self.target.become else []
        # In English: the messages of sudo are matched in `_check_sudo`.
        words = join(["env", "LC_ALL=C", *become, "sh", "-c", command])
        with _translated(self.target), _limited(self.target, command, timeout) as limit:
            async with limit:
                process = await self._connection.create_process(
                    words, encoding="utf-8", errors="backslashreplace"
                )
                if input:
                    # A program that has ended did not want its input; its answer counts all the same.
                    with suppress(BrokenPipeError):
                        process.stdin.write(input)
                        process.stdin.write_eof()
                done = await process.wait()
        ran = CommandResult(_status(self.target, done), str(done.stdout or ""), str(done.stderr or ""))
        if self.target.become:
            _check_sudo(self.target, ran)
        if check and ran.status != 0:
            raise _failed(self.target, command, ran, done.exit_signal[0] if done.exit_signal else None)
        return ran

    async def put(
        self, path: Path, there: str, progress: Callable[[int, int], None] = lambda _done, _size: None
    ) -> None:
        """Copy a file to the host, as the user; the copy is readable by that user only.

        Args:
            path: The file.
            there: The path on the host.
            progress: Called with the number of bytes copied and the size.

        Raises:
            StepFailed: The user may not write there, the disk is full, or the host serves no SFTP.
        """
        asyncssh = load_asyncssh()
        with _translated(self.target, there):
            try:
                client = await self._connection.start_sftp_client()
            except asyncssh.ChannelOpenError as error:
                self._without_sftp(error)
            async with client as sftp:
                # Set the mode while the file is still empty: it may hold secrets.
                async with sftp.open(there, "wb"):
                    await sftp.chmod(there, 0o600)
                await sftp.put(
                    path, there, progress_handler=lambda _from, _to, done, size: progress(done, size)
                )

    def _without_sftp(self, error: Exception) -> NoReturn:
        # A lost connection also shows as a channel that can't be opened.
        if self._connection.is_closed():
            raise error
        summary = (
            f"{self.target.host} serves no SFTP: give its SSH server the subsystem sftp, then try again"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary) from error


@asynccontextmanager
async def connect(target: Target) -> AsyncIterator[Connection]:
    """Open a connection, and close it at the end.

    Raises:
        StepFailed: The host can't be reached, shows another key than the pinned key, or rejects ours.
    """
    asyncssh = load_asyncssh()
    if problem := check_key_file(target.key):
        raise StepFailed(FailureCause.CONFIGURATION, f"the key {problem}")
    known_hosts = read_known_hosts(target.known_hosts)
    with _translated(target):
        connection = await asyncssh.connect(
            target.host,
            target.port,
            username=target.user,
            client_keys=[str(target.key)],
            known_hosts=known_hosts,
            # Nothing of the user's own SSH settings: a command does the same for everybody.
            agent_path=None,
            config=None,
            connect_timeout=target.connect_timeout.total_seconds(),
            login_timeout=target.connect_timeout.total_seconds(),
            keepalive_interval=target.keepalive.total_seconds(),
            keepalive_count_max=3,
        )
    async with connection:  # does not wait for an answer when it closes
        yield Connection(target, connection)


async def wait_for(
    target: Target, within: timedelta, report: Callable[[str], None] = lambda _text: None
) -> float:
    """Wait until the host accepts a login, and return the seconds until then.

    Raises:
        StepFailed: Time is up; or, at once, the host shows another key or rejects ours.
    """

    async def let_in() -> None:
        async with connect(target):
            pass

    started = time.monotonic()
    await _patiently(let_in, target, within, report)
    return time.monotonic() - started


async def host_key(
    host: str, port: int, within: timedelta, report: Callable[[str], None] = lambda _text: None
) -> str:
    """Return the public key that a host shows, such as `ssh-ed25519 AAAA…`.

    Raises:
        StepFailed: The host does not answer in time.
    """
    asyncssh = load_asyncssh()
    target = Target(host=host, port=port, user="", key=Path(), known_hosts=Path())

    async def shown() -> str:
        with _translated(target):
            key = await asyncio.wait_for(
                # This function of asyncssh has no timeout of its own.
                asyncssh.get_server_host_key(host, port, config=None),
                _CONNECT.total_seconds(),
            )
        if key is None:
            raise StepFailed(FailureCause.NETWORK, f"{host} shows no host key")
        return " ".join(key.export_public_key().decode().split()[:2])

    return await _patiently(shown, target, within, report)


async def _patiently(
    attempt: Callable[[], Awaitable[ResultT]],
    target: Target,
    within: timedelta,
    report: Callable[[str], None],
) -> ResultT:
    """Repeat an attempt while the network fails, until time is up; report each new reason.

    Raises:
        StepFailed: Time is up, or the attempt failed for another reason than the network.
    """
    reported = ""

    def report_once(failed: StepFailed) -> None:
        nonlocal reported
        if failed.summary != reported:
            report(reported := failed.summary)

    try:
        return await retry(
            attempt,
            on=StepFailed,
            within=within,
            every=_PAUSE,
            when=_is_network_failure,
            before_retry=report_once,
        )
    except StepFailed as failed:
        if not _is_network_failure(failed):
            raise
        summary = f"{target.host} did not answer within {within.total_seconds():g} s: {failed.summary}"
        raise StepFailed(FailureCause.TIMEOUT, summary) from failed


def _is_network_failure(failed: StepFailed) -> bool:
    return failed.cause is FailureCause.NETWORK


def shown_pinned_key(failed: StepFailed) -> bool:
    """Return whether a host that refused a login had shown the pinned key before."""
    # The host's key comes first: only a host that showed the right one is asked to let us in.
    return isinstance(failed.__cause__, load_asyncssh().PermissionDenied)


def _changed(host: str, known_hosts: AnyPath) -> StepFailed:
    summary = (
        f"{host} does not show the host key that is pinned for it in {known_hosts}: it may be another "
        "machine. When you know why, remove its line there, then try again"
    )
    return StepFailed(FailureCause.AUTHENTICATION, summary)


def check_key_file(path: Path) -> str | None:
    """Return why a file can't be used as a private key, or None."""
    if not certainly(path.is_file):
        return f"{path} is not a file; name the private key that the host accepts"
    if not os.access(path, os.R_OK):
        return f"{path} can't be read; give yourself permission for it"
    try:
        asyncssh = load_asyncssh()
    except StepFailed as missing:
        return missing.summary
    try:
        asyncssh.read_private_key(path)
    except asyncssh.KeyEncryptionError:
        return f"{path} needs a passphrase, which can't be entered during a step; use a key without one"
    except (asyncssh.KeyImportError, ValueError):
        return f"{path} is not a readable private key" + (
            "; it needs a passphrase, or is damaged" if b"ENCRYPTED" in path.read_bytes() else ""
        )
    # asyncssh would accept it; OpenSSH, which Ansible uses, does not.
    if path.stat().st_mode & 0o077:
        return f"{path} can be read by others, and so SSH does not use it: chmod 600 {quote(str(path))}"
    return None


def _status(target: Target, done: asyncssh.SSHCompletedProcess) -> int:
    """Return the exit code of a process, or -1 after a signal.

    Raises:
        StepFailed: There is neither: the process was lost with its connection.
    """
    if done.exit_status is None and done.exit_signal is None:
        raise StepFailed(FailureCause.NETWORK, f"the connection to {target.host} was lost")
    return done.returncode if done.returncode is not None else -1


def _failed(target: Target, command: str, ran: CommandResult, by_signal: str | None) -> StepFailed:
    """Return the failure of a command, with the last line of its stderr."""
    lines = [line.strip() for line in ran.stderr.splitlines() if line.strip()]
    how = f"was ended by SIG{by_signal}" if by_signal else f"ended with {ran.status}"
    said = lines[-1] if lines else "it printed no error"
    summary = f"on {target.host}, {_program(command)} {how}: {said}"
    return StepFailed(FailureCause.COMMAND_EXECUTION, summary, f"{command}\n{ran.stdout}{ran.stderr}")


def _program(command: str) -> str:
    return command.split(maxsplit=1)[0]


def _check_sudo(target: Target, ran: CommandResult) -> None:
    """Raise if sudo, rather than the command, ended with an error."""
    said = ran.stderr.strip()
    if ran.status == 1 and _SUDO_REFUSED.search(said):
        last = said.splitlines()[-1].removeprefix("sudo: ")
        summary = f"{target.user} may not run sudo without a password on {target.host}: {last}"
        advice = "allow it there (NOPASSWD), or set ssh.become to false"
        raise StepFailed(FailureCause.AUTHENTICATION, f"{summary}; {advice}")
    if ran.status == 127 and _NO_SUDO.search(said):
        summary = f"{target.host} has no sudo: install it there, or set ssh.become to false"
        raise StepFailed(FailureCause.CONFIGURATION, summary)


@contextmanager
def _limited(target: Target, command: str, within: timedelta | None) -> Iterator[asyncio.Timeout]:
    """Yield a time limit, and translate its expiry.

    Raises:
        StepFailed: The limit has expired.
    """
    limit = asyncio.timeout(within.total_seconds() if within else None)
    try:
        yield limit
    except TimeoutError as error:
        if within is None or not limit.expired():
            raise
        seconds = f"{within.total_seconds():g} s"
        summary = f"on {target.host}, {_program(command)} did not end within {seconds}; it may go on there"
        raise StepFailed(FailureCause.TIMEOUT, summary) from error


@contextmanager
def _translated(target: Target, path: str = "") -> Iterator[None]:
    """Turn errors of SSH and of the network into StepFailed."""
    asyncssh = load_asyncssh()
    who = target.describe()
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise _changed(target.host, target.known_hosts) from error
    except asyncssh.PermissionDenied as error:
        summary = f"{who} does not let the key {target.key} in: authorise it on the host, then try again"
        raise StepFailed(FailureCause.AUTHENTICATION, summary) from error
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as error:
        raise StepFailed(FailureCause.NETWORK, f"the connection to {target.host} was lost") from error
    except asyncssh.SFTPError as error:
        advice = {
            asyncssh.SFTPPermissionDenied: f"; {target.user} has to be let into the directories above it",
            asyncssh.SFTPFailure: "; the disk may be full",
        }.get(type(error), "")
        summary = f"on {target.host}, {path} can't be written: {error.reason.lower()}{advice}"
        raise StepFailed(FailureCause.FILE_SYSTEM, summary) from error
    except TimeoutError as error:
        raise StepFailed(FailureCause.NETWORK, f"{who} did not answer in time") from error
    except asyncssh.Error as error:
        raise StepFailed(FailureCause.NETWORK, f"{who}: {error.reason}") from error
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
        raise StepFailed(FailureCause.NETWORK, f"{who} can't be reached: {said.lower()}") from error
