from statechart.chart import (
    Chart as Chart,
    Event as Event,
    HistoryState as HistoryState,
    State as State,
)
from statechart.configuration import (
    Configuration as Configuration,
)
from statechart.engine.declaration.timers import (
    Due as Due,
    Timer as Timer,
)
from statechart.engine.effects import (
    effect as effect,
)
from statechart.engine.hooks import (
    Commit as Commit,
    Microstep as Microstep,
    Transition as Transition,
)
from statechart.errors import (
    AlreadyExists as AlreadyExists,
    ChartDefinitionError as ChartDefinitionError,
    ChartWarning as ChartWarning,
    CommitUncertain as CommitUncertain,
    Conflict as Conflict,
    CorruptHistory as CorruptHistory,
    DamagedNames as DamagedNames,
    Diverged as Diverged,
    DocumentRefused as DocumentRefused,
    IllegalConfiguration as IllegalConfiguration,
    InternalEvent as InternalEvent,
    InvalidCursor as InvalidCursor,
    InvalidName as InvalidName,
    InvalidPayload as InvalidPayload,
    InvalidTransition as InvalidTransition,
    InvalidValue as InvalidValue,
    LeaseLost as LeaseLost,
    Locked as Locked,
    MigrationFailed as MigrationFailed,
    MissingPayload as MissingPayload,
    MissingSegment as MissingSegment,
    MovedAway as MovedAway,
    NestedFire as NestedFire,
    NewerSchema as NewerSchema,
    NoSuchMoment as NoSuchMoment,
    NotCopyable as NotCopyable,
    NotFound as NotFound,
    NotOurs as NotOurs,
    ReservedPayload as ReservedPayload,
    Stale as Stale,
    StatechartError as StatechartError,
    StorageError as StorageError,
    Unexplored as Unexplored,
    UnknownEvent as UnknownEvent,
    UnknownPayload as UnknownPayload,
    UnknownState as UnknownState,
    Unstable as Unstable,
    UnusableSegment as UnusableSegment,
)
from statechart.firing import (
    due as due,
    fire as fire,
    fire_due as fire_due,
)
from statechart.holder import (
    Holder as Holder,
)
from statechart.loading.load import (
    load as load,
)
from statechart.storage.chain import (
    Head as Head,
)
from statechart.storage.record import (
    Record as Record,
)
from statechart.storage.repository import (
    JsonFileRepository as JsonFileRepository,
)
from statechart.storage.segments.size import (
    Segment as Segment,
)
from statechart.storage.segments.whole import (
    SegmentFile as SegmentFile,
)
from statechart.storage.session import (
    Loaded as Loaded,
    Session as Session,
)
from statechart.storage.sql.errors import (
    DatabaseFailed as DatabaseFailed,
    DriverMissing as DriverMissing,
    HistoryProtected as HistoryProtected,
    InvalidUrl as InvalidUrl,
    NoSuchDatabase as NoSuchDatabase,
    NotADatabase as NotADatabase,
    NotPermitted as NotPermitted,
    ReadOnlyStore as ReadOnlyStore,
    SchemaMissing as SchemaMissing,
    SchemaNewer as SchemaNewer,
    SchemaOlder as SchemaOlder,
    StoreBusy as StoreBusy,
    StoreFull as StoreFull,
    StoreUnreachable as StoreUnreachable,
    TooManyConnections as TooManyConnections,
    WrongCredentials as WrongCredentials,
    WrongEncoding as WrongEncoding,
)
from statechart.stored.changes import (
    Change as Change,
)
from statechart.stored.effects import (
    DueEffect as DueEffect,
    EffectOutcome as EffectOutcome,
)
from statechart.stored.repository import (
    ChartRepository as ChartRepository,
)
from statechart.stored.session import (
    Allowed as Allowed,
    ChartSession as ChartSession,
)
from statechart.stored.timers.outcome import (
    TimerOutcome as TimerOutcome,
)
from statechart.stored.timers.runner import (
    TimersRunner as TimersRunner,
)
