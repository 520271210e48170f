"""Environments inside your own tool: bring an application up, and take it down again."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from environments import (
    AnyEnvironment,
    CommandEnded,
    CommandFailed,
    CommandStarted,
    Destroyed,
    EnvironmentsError,
    EnvironmentSpec,
    InvalidName,
    LocalProvider,
    Noticed,
    OperationInterrupted,
    Progress,
    StepFinished,
    Workspace,
    check_name,
)
from statechart import Locked, StatechartError

HELLO = Path(__file__).resolve().parent.parent / "hello"
FAILED, BUSY, INTERRUPTED, REFUSED = 1, 3, 4, 5
NEXT = {
    "running": "up --app ANOTHER, down",
    "destroyed": "up",
}


def narrate(progress: Progress) -> None:
    """Print the progress, which is recorded already."""
    match progress:
        case CommandStarted(command=command, of=of):
            print(f"{command}: {of} steps")
        case StepFinished(step=step, number=number, of=of, note=note):
            print(f"  {number}/{of} {step}{f': {note}' if note else ''}")
        case CommandEnded(failure=None, environment=environment, duration=duration):
            print(f"  {environment.condition}, in {duration.total_seconds():.1f} s")
        case Noticed(message=message):
            print(f"  ({message})")


async def up(workspace: Workspace, name: str, app: Path) -> AnyEnvironment:
    """Bring an environment from any state to running; with another app, release again."""
    spec = EnvironmentSpec(name=name, provider=LocalProvider(app=app))
    if workspace.exists(name) and isinstance(workspace.load(name).state, Destroyed):
        await workspace.purge(name)
    if not workspace.exists(name):
        workspace.create(spec)
    elif workspace.load(name).spec != spec:
        await workspace.update(name, spec)
        if workspace.load(name).outputs.release is not None:
            await workspace.release(name)
    print(f"plan: {', '.join(workspace.plan(name)) or 'nothing to do'}")
    return await workspace.bring(name)


async def deploy(given: argparse.Namespace) -> int:
    """Run a command, and turn each failure into an exit code with a next step."""
    workspace = Workspace(given.data_dir, observers=[narrate])
    try:
        if given.command == "up":
            environment = await up(workspace, given.name, given.app)
        else:
            environment = await workspace.destroy(given.name)
    except CommandFailed as error:
        trace = error.failure.trace_file
        where = f"\nthe trace is in {workspace.directory(given.name) / trace}" if trace else ""
        return end(FAILED, f"{error}{where}", f"fix the cause and run {given.command} again, or run down")
    except Locked as error:
        return end(BUSY, str(error), "wait, or ask the user who holds it")
    except OperationInterrupted as error:
        return end(INTERRUPTED, str(error), f"envchart --data-dir {given.data_dir} recover {given.name}")
    except (EnvironmentsError, StatechartError) as error:
        return end(REFUSED, str(error), "see deploy.py --help")
    url = environment.outputs.url
    print(f"{given.name} is {environment.condition}{f' at {url}' if url else ''}")
    print(f"next: {NEXT[environment.state.name]}")
    return 0


def end(code: int, problem: str, advice: str) -> int:
    """Print a problem and the next step on stderr."""
    print(f"deploy.py: {problem}\nnext: {advice}", file=sys.stderr)
    return code


def environment_name(text: str) -> str:
    """Check a name; the error suggests a valid one."""
    try:
        return check_name(text)
    except InvalidName as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def directory(text: str) -> Path:
    """Return a path, absolute."""
    # The path is stored, and later commands run in other directories.
    return Path(text).absolute()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="deploy.py", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("name", type=environment_name, help="the environment's name")
    parser.add_argument("--app", type=directory, default=HELLO, metavar="DIR")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), metavar="DIR")
    return asyncio.run(deploy(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
