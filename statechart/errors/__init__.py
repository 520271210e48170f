"""The errors of charts and of their storage::

    StatechartError
    ├── ChartDefinitionError (TypeError)   a chart that can't be committed once per event
    │   └── DocumentRefused (ValueError)   a document that can't become a chart, with the line
    ├── UnknownEvent (LookupError)         no event has this name; the nearest is named
    │   └── InternalEvent                  an event that only the chart itself raises
    ├── UnknownState (LookupError)         no state has this name; the nearest is named
    │   └── IllegalConfiguration           states that can't be active together, or not in this chart
    ├── Unstable (RuntimeError)            an event whose microsteps do not end; nothing was committed
    ├── Unexplored (LookupError)           a chart has too many configurations to find a path
    ├── InvalidTransition                  the chart does not allow the event in this state
    ├── NestedFire (RuntimeError)          an event fired from inside a hook of another
    ├── ReservedPayload (TypeError)        a payload keyword that the engine would drop
    ├── UnknownPayload (TypeError)         a payload keyword that nothing takes; the nearest is named
    ├── InvalidPayload (TypeError, ValueError)   a payload of another type than a guard or hook declares
    ├── MissingPayload (TypeError)         a guard or hook needs a payload keyword that was not given
    ├── NotCopyable (TypeError)            a machine that commits can't be copied or pickled
    ├── NoSuchPath (LookupError)           an event can't follow the events before it
    ├── InvalidCursor (ValueError)         a text says not from where to tell changes, or of another store
    ├── NoSuchMoment (LookupError)         a value did not exist at that revision or time
    ├── ChartNotFound (LookupError)        `module:Chart` leads to no chart; says where, and why
    ├── DiagramUnavailable                 a format needs a program that is not installed
    ├── PageError                          a page of documentation that can't be checked or written
    ├── PageErrors                         several page errors
    └── StorageError                       the storage failed; its cause is kept
        ├── InvalidValue (ValueError, TypeError)   a value that could not be read again, and was not written
        ├── InvalidName (ValueError)       the name is not allowed
        ├── NotFound (LookupError)         the name does not exist
        │   └── MovedAway                  the name was moved to another store
        ├── OnNetwork                      the directory is on a network file system, where locks don't hold
        ├── NotOurs                        files of another program are in the way
        ├── Conflict                       another process was faster
        │   ├── AlreadyExists (FileExistsError)   the name is taken
        │   ├── Stale                      the value was changed since it was read
        │   ├── Diverged                   a history that moves here left with other records earlier
        │   └── Locked (TimeoutError)      another holder has the lock
        ├── LeaseLost                      the lock, lease or journal of a session is lost
        ├── CommitUncertain                the last append may or may not be durable
        ├── MigrationFailed                a migration raised an error, which is its cause
        ├── DamagedNames                   some of many values can't be read; the others are in the error
        ├── NotDamaged                     a history is sound, and there is no need to rebase
        ├── CorruptHistory                 journal and document contradict each other, or are damaged
        │   └── UnfitValue                 a chart's value is recorded as its model no longer takes it
        ├── UnusableSegment                an ended segment of a history can't be read; later records can
        │   └── MissingSegment (LookupError)   an ended segment is not where it belongs
        └── NewerSchema                    written by a newer version of the program

`ChartWarning (UserWarning)` tells of a declaration that is accepted, and may be meant otherwise.

All are built from facts, which stay readable as attributes, and survive pickling.
"""

from statechart.errors.asking import (
    ChartNotFound,
    DiagramUnavailable,
    InvalidCursor,
    NoSuchMoment,
    PageError,
    PageErrors,
)
from statechart.errors.base import StatechartError, Where
from statechart.errors.charts import (
    ChartDefinitionError,
    ChartWarning,
    DocumentRefused,
    IllegalConfiguration,
    InternalEvent,
    InvalidPayload,
    InvalidTransition,
    MissingPayload,
    NestedFire,
    NoSuchPath,
    NotCopyable,
    ReservedPayload,
    Unexplored,
    UnknownEvent,
    UnknownPayload,
    UnknownState,
    Unstable,
)
from statechart.errors.storage import (
    AlreadyExists,
    CommitUncertain,
    Conflict,
    CorruptHistory,
    DamagedNames,
    Diverged,
    InvalidName,
    InvalidValue,
    LeaseLost,
    Locked,
    MigrationFailed,
    MissingSegment,
    MovedAway,
    NewerSchema,
    NotDamaged,
    NotFound,
    NotOurs,
    OnNetwork,
    Stale,
    StorageError,
    UnfitValue,
    UnusableSegment,
)

__all__ = [
    "AlreadyExists",
    "ChartDefinitionError",
    "ChartNotFound",
    "ChartWarning",
    "CommitUncertain",
    "Conflict",
    "CorruptHistory",
    "DamagedNames",
    "DiagramUnavailable",
    "Diverged",
    "DocumentRefused",
    "IllegalConfiguration",
    "InternalEvent",
    "InvalidCursor",
    "InvalidName",
    "InvalidPayload",
    "InvalidTransition",
    "InvalidValue",
    "LeaseLost",
    "Locked",
    "MigrationFailed",
    "MissingPayload",
    "MissingSegment",
    "MovedAway",
    "NestedFire",
    "NewerSchema",
    "NoSuchMoment",
    "NoSuchPath",
    "NotCopyable",
    "NotDamaged",
    "NotFound",
    "NotOurs",
    "OnNetwork",
    "PageError",
    "PageErrors",
    "ReservedPayload",
    "Stale",
    "StatechartError",
    "StorageError",
    "Unexplored",
    "UnfitValue",
    "UnknownEvent",
    "UnknownPayload",
    "UnknownState",
    "Unstable",
    "UnusableSegment",
    "Where",
]

for _name in __all__:
    if _name != "Where":  # a type alias
        globals()[_name].__module__ = __name__  # the public place, whichever module declares it
