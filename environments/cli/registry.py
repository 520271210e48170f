"""Registry: the subcommands, with everything that the group shows without importing their modules."""

from __future__ import annotations

from statechart.terminal.program.registry import Entry, Way

DECLARE = "Declare"
LIFECYCLE = "From nothing to running, and back"
STAGES = "Stage by stage"
TROUBLE = "After a failure or a crash"
LOOK = "Look"
CHECK = "Check"
DOCUMENT = "Document"


_RUN = Way(
    "a service is started by start, and by up with all that has to come before", ("start NAME", "up NAME")
)
_RESTART = Way("a service is restarted by restart", ("restart NAME", "deploy NAME"))
_STOP = Way(
    "a service is stopped by stop; destroy removes it together with all resources",
    ("stop NAME", "destroy --help"),
)
_DEPLOY = Way(
    "a new version is deployed by deploy, and a new environment by up",
    ("deploy NAME", "up NAME --app DIR"),
)
_REMOVE = Way(
    "resources are removed by destroy, and the record by purge", ("destroy --help", "purge --help")
)
_SHOW = Way("the state is shown by show, and the reasons by why", ("show NAME", "why NAME", "list"))
_PLAN = Way("the commands that would run are shown by up with --plan", ("up NAME --plan", "drift NAME"))
_CREATE = Way("an environment begins with create", ("create NAME --app DIR", "create --template"))
_LOGS = Way("the log of the service is shown by logs", ("logs NAME", "history NAME"))
_WATCH = Way("a running command is followed by watch, and all by events", ("watch NAME", "events --follow"))
_TOP = Way(
    "all environments are shown live by top, and one in detail by top NAME",
    ("top", "top NAME", "dashboard"),
)
_BACK = Way("the release before is put back by deploy with --previous", ("deploy NAME --previous",))
_CHANGE = Way("the declaration is changed by update", ("update NAME --set KEY=VALUE", "update --help"))
_DASHBOARD = Way(
    "all environments are shown in a browser by dashboard", ("dashboard --open", "list --watch")
)
_EXPORT = Way("the declaration is printed as a file by export", ("export NAME", "show NAME --json"))
_CONVERGE = Way("what differs from the declaration is brought about by up", ("up NAME --plan", "up NAME"))

WAYS: dict[str, Way] = {
    **dict.fromkeys(("push", "publish", "ship", "apply", "upgrade", "redeploy"), _DEPLOY),
    **dict.fromkeys(("launch", "serve"), _RUN),
    **dict.fromkeys(("reload", "bounce"), _RESTART),
    **dict.fromkeys(("halt", "kill", "pause"), _STOP),
    **dict.fromkeys(("rm", "delete", "remove", "down", "teardown", "uninstall", "clean"), _REMOVE),
    **dict.fromkeys(("status", "state", "info", "describe", "inspect", "get", "health"), _SHOW),
    **dict.fromkeys(("ls", "ps"), Way("all environments are shown by list", ("list",))),
    **dict.fromkeys(("plan", "preview", "diff"), _PLAN),
    **dict.fromkeys(("new", "add", "import"), _CREATE),
    **dict.fromkeys(("log", "tail"), _LOGS),
    **dict.fromkeys(("follow", "attach"), _WATCH),
    **dict.fromkeys(("monitor", "htop", "tui"), _TOP),
    **dict.fromkeys(("rollback", "undo", "revert", "previous"), _BACK),
    **dict.fromkeys(("edit", "set", "config", "change", "env", "label", "tag"), _CHANGE),
    **dict.fromkeys(("dump", "save"), _EXPORT),
    **dict.fromkeys(("sync", "reconcile", "converge", "refresh"), _CONVERGE),
    **dict.fromkeys(("ui", "web", "gui", "open"), _DASHBOARD),
    **dict.fromkeys(
        ("migrate", "migrations", "db", "grant"),
        Way("the tables of a database are made by store", ("store migrate", "store check")),
    ),
    "help": Way("each command explains itself with --help", ("--help",)),
    "version": Way("the version is an option", ("--version",)),
}
"""The words that users of other tools type."""

TAKING = frozenset({"destroy", "purge", "unlock", "recover"})
"""The commands that take something away; a misspelt word must not lead to them."""

COMMANDS: dict[str, Entry] = {
    "init": Entry(
        "declaring.init",
        "init",
        "Make this directory, or DIR, a workspace; DIR is made if it is missing.",
        DECLARE,
    ),
    "create": Entry(
        "declaring.create", "create", "Record a new environment; nothing is created yet.", DECLARE
    ),
    "update": Entry("declaring.update", "update", "Change the environment's declaration.", DECLARE),
    "export": Entry(
        "declaring.export",
        "export",
        "Print the declaration as a file, for create and update.",
        DECLARE,
    ),
    "schema": Entry(
        "declaring.schema", "schema", "Print the JSON Schema of environment files, for editors.", DECLARE
    ),
    "up": Entry(
        "up", "up", "Make the environment what is declared, by the commands that are needed.", LIFECYCLE
    ),
    "deploy": Entry(
        "lifecycle",
        "deploy",
        "Release and run the application, and configure it first if needed.",
        LIFECYCLE,
    ),
    "start": Entry("lifecycle", "start", "Start the installed release, like run.", LIFECYCLE),
    "stop": Entry("lifecycle", "stop", "Stop the service; its resources and releases stay.", LIFECYCLE),
    "restart": Entry(
        "lifecycle", "restart", "Restart the service, or start it if it is stopped.", LIFECYCLE
    ),
    "destroy": Entry("destroy", "destroy", "Remove the resources; the record stays.", LIFECYCLE),
    "purge": Entry(
        "destroy", "purge", "Delete the record of a destroyed environment and free its name.", LIFECYCLE
    ),
    "fleet": Entry(
        "fleet.group", "fleet", "Have workers on many machines bring environments up and down.", LIFECYCLE
    ),
    "provision": Entry(
        "lifecycle", "provision", "Create the environment's resources, or change them in place.", STAGES
    ),
    "register": Entry(
        "lifecycle", "register", "Adopt an existing host instead of creating a host.", STAGES
    ),
    "configure": Entry(
        "lifecycle",
        "configure",
        "Configure the resources for the application; a running service keeps running.",
        STAGES,
    ),
    "release": Entry(
        "lifecycle", "release", "Install a release; the running service is not restarted.", STAGES
    ),
    "run": Entry("lifecycle", "run", "Start the installed release and wait until it is healthy.", STAGES),
    "why": Entry("why", "why", "Explain what happened, what is known, and what to do next.", TROUBLE),
    "retry": Entry(
        "lifecycle", "retry", "Resume the failed command at its first unfinished step.", TROUBLE
    ),
    "recover": Entry(
        "recovery.recover",
        "recover",
        "Recover an interrupted command: stop leftover processes and record what was done.",
        TROUBLE,
    ),
    "unlock": Entry("recovery.unlock", "unlock", "End a hung process that holds the environment.", TROUBLE),
    "list": Entry("listing.list", "list_", "List environments: all, or those that are selected.", LOOK),
    "show": Entry("show", "show", "Show an environment: state, problems and next commands.", LOOK),
    "logs": Entry("logs", "logs", "Show the end of the service's log.", LOOK),
    "history": Entry("history", "history", "Show the transitions and steps of an environment.", LOOK),
    "events": Entry("events", "events", "Tell the transitions of all environments as they happened.", LOOK),
    "top": Entry("monitoring.top", "top", "Show all environments live, or one in detail.", LOOK),
    "watch": Entry("following", "watch", "Show the progress of the command that is under way.", LOOK),
    "wait": Entry("following", "wait", "Wait until an environment has reached a state.", LOOK),
    "dashboard": Entry("dashboard", "dashboard", "Look at all environments in a browser, live.", LOOK),
    "timers": Entry(
        "monitoring.timers", "timers", "Act on environments whose time has passed, as they expire.", CHECK
    ),
    "drift": Entry(
        "drift", "drift", "Compare the declaration and the real infrastructure with the record.", CHECK
    ),
    "verify": Entry("verify", "verify", "Check histories for tampering and against today's chart.", CHECK),
    "move": Entry("stores.move", "move", "Move environments to another store, and back.", CHECK),
    "store": Entry("stores.store", "store", "Check or migrate the tables of a store in a database.", CHECK),
    "diagram": Entry("diagram", "diagram", "Draw the chart of all states and events.", DOCUMENT),
    "docs": Entry("docs", "docs", "Keep the diagrams in documentation up to date.", DOCUMENT),
}
