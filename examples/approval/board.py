"""Approvals for a team: nobody votes twice, nothing is decided twice, and no mail is lost."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from typing import Any

from approval import ApprovalChart, Request
from pydantic import ValidationError

from statechart import ChartRepository, StatechartError


def parser() -> argparse.ArgumentParser:
    """Declare the command: a subcommand for each event, and `new`, `show`, `list`, `history` and `send`."""
    board = argparse.ArgumentParser(prog="board.py", description=__doc__)
    board.add_argument(
        "--requests", default="requests", metavar="DIR", help="the directory of the requests"
    )
    commands = board.add_subparsers(dest="command", required=True)
    for name in ("new", "submit", "approve", "reject", "withdraw", "show", "history"):
        command = commands.add_parser(name)
        command.add_argument("request", help="its name, such as R-1")
        command.add_argument("--by", default=getpass.getuser(), metavar="NAME", help="who does it")
    commands.add_parser("list").add_argument("--state")
    commands.add_parser("send", help="send mail that an earlier command could not send")
    new = commands.choices["new"]
    new.add_argument("title")
    new.add_argument("--ask", nargs="+", required=True, metavar="NAME", help="who may approve")
    new.add_argument("--needed", type=int, default=1, help="the number of approvals")
    commands.choices["approve"].add_argument("--comment", default="")
    commands.choices["reject"].add_argument("comment")
    return board


def show(requests: ChartRepository[Request], name: str, by: str) -> None:
    """Print the state of a request, and which events a person may fire."""
    request = requests.load(name)
    votes = f"{request.approvals} of {request.needed} approvals in round {request.round}"
    print(f"{name} is {request.state}: {request.title!r} by {request.author}, {votes}")
    allowed = requests.allowed(name, by=by)
    print(f"{by} may: {', '.join(allowed) or 'do nothing'}")


def tell(requests: ChartRepository[Request], name: str) -> None:
    """Print the history of a request, a line for each event."""
    for record in requests.history(name):
        if record.event:
            comment = record.payload.get("comment")
            told = f": {comment}" if comment else ""
            print(f"{record.event} by {record.payload['by']} -> {record.to_state}{told}")


def deliver(requests: ChartRepository[Request], name: str | None = None) -> int:
    """Send the mail that is due, and return 1 if some could not be sent."""
    # Without a name, a person asks for it: don't wait after a failed attempt.
    outcomes = requests.run_effects(name, force=name is None)
    failed = [outcome for outcome in outcomes if outcome.status != "done"]
    for outcome in failed:
        print(f"board.py: {outcome.name}: {outcome.effect}: {outcome.error}", file=sys.stderr)
    if failed:
        print("next: board.py send", file=sys.stderr)
    return 1 if failed else 0


def payload(given: argparse.Namespace) -> dict[str, Any]:
    """Return the payload of the event, from the arguments."""
    comment = {"comment": given.comment} if "comment" in given else {}
    return {"by": given.by, **comment}


def run(requests: ChartRepository[Request], given: argparse.Namespace) -> int:
    """Run a command that the parser has read."""
    match given.command:
        case "list":
            for name in requests.find(state=given.state):
                print(f"{name}  {requests.load(name).state}")
            return 0
        case "send":
            return deliver(requests)
        case "history":
            tell(requests, given.request)
            return 0
        case "new":
            request = Request(title=given.title, author=given.by, approvers=given.ask, needed=given.needed)
            requests.create(given.request, request)
        case "submit" | "approve" | "reject" | "withdraw":
            requests.fire(given.request, given.command, **payload(given))
    show(requests, given.request, given.by)
    return deliver(requests, given.request)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return 0, or 1 if it was refused."""
    given = parser().parse_args(arguments)
    try:
        return run(ChartRepository(given.requests, ApprovalChart, timeout=5), given)
    except ValidationError as error:
        print(f"board.py: {error.errors()[0]['msg']}", file=sys.stderr)
    except StatechartError as error:
        print(f"board.py: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
