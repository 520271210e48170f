from environments.artifacts.errors import (
    ArtifactAltered as ArtifactAltered,
    ArtifactMissing as ArtifactMissing,
    CannotPack as CannotPack,
    FilesLost as FilesLost,
    MachineLacks as MachineLacks,
    TooLarge as TooLarge,
)
from environments.chain import (
    Chain as Chain,
)
from environments.checks.difference import (
    Difference as Difference,
    DriftKind as DriftKind,
)
from environments.checks.drift import (
    Drift as Drift,
)
from environments.convergence.plan import (
    Plan as Plan,
    PlannedCommand as PlannedCommand,
)
from environments.errors import (
    CannotMove as CannotMove,
    CannotUnlock as CannotUnlock,
    CommandFailed as CommandFailed,
    EnvironmentsError as EnvironmentsError,
    HostOutOfReach as HostOutOfReach,
    InvalidConfiguration as InvalidConfiguration,
    InvalidCursor as InvalidCursor,
    InvalidName as InvalidName,
    InvalidSelection as InvalidSelection,
    NotDestroyed as NotDestroyed,
    NotHeld as NotHeld,
    NothingMatches as NothingMatches,
    NothingToRetry as NothingToRetry,
    NotProvisioned as NotProvisioned,
    NotReached as NotReached,
    NotStarted as NotStarted,
    OnAnotherMachine as OnAnotherMachine,
    OperationInterrupted as OperationInterrupted,
    ProvisionNeeded as ProvisionNeeded,
    ResourcesGone as ResourcesGone,
    StateUnreachable as StateUnreachable,
    StepFailed as StepFailed,
    StepInDoubt as StepInDoubt,
    Stopped as Stopped,
    UnexpectedState as UnexpectedState,
    UnknownLabel as UnknownLabel,
    UnknownProvider as UnknownProvider,
    UnreachableTarget as UnreachableTarget,
    Unrecorded as Unrecorded,
    UnsupportedCommand as UnsupportedCommand,
)
from environments.events.cursor import (
    Cursor as Cursor,
)
from environments.events.follow import (
    Event as Event,
)
from environments.events.notify import (
    OnTransition as OnTransition,
)
from environments.execution.commands import (
    ConfigureCommand as ConfigureCommand,
    DestroyCommand as DestroyCommand,
    ProvisionCommand as ProvisionCommand,
    RegisterCommand as RegisterCommand,
    ReleaseCommand as ReleaseCommand,
    RunCommand as RunCommand,
    StopCommand as StopCommand,
)
from environments.execution.progress import (
    CommandDue as CommandDue,
    CommandEnded as CommandEnded,
    CommandStarted as CommandStarted,
    Noticed as Noticed,
    Observer as Observer,
    Progress as Progress,
    StepAttemptFailed as StepAttemptFailed,
    StepFinished as StepFinished,
    StepReported as StepReported,
    StepStarted as StepStarted,
    Transitioned as Transitioned,
)
from environments.execution.stop import (
    StopRequest as StopRequest,
)
from environments.fleet.errors import (
    FleetError as FleetError,
    FleetNotMigrated as FleetNotMigrated,
    FleetUnavailable as FleetUnavailable,
    InvalidGoal as InvalidGoal,
    InvalidSchedule as InvalidSchedule,
    NoSuchWish as NoSuchWish,
    NoSuchWorker as NoSuchWorker,
)
from environments.fleet.fleet import (
    Fleet as Fleet,
)
from environments.fleet.goals import (
    Goal as Goal,
)
from environments.fleet.schedules import (
    Schedule as Schedule,
)
from environments.fleet.wishes import (
    Granted as Granted,
    Submission as Submission,
    Wish as Wish,
    WishStatus as WishStatus,
)
from environments.fleet.worker_status import (
    WorkerStatus as WorkerStatus,
)
from environments.lifecycle import (
    Lifecycle as Lifecycle,
)
from environments.many import (
    Outcome as Outcome,
)
from environments.model.command_name import (
    CommandName as CommandName,
)
from environments.model.environment import (
    AnyEnvironment as AnyEnvironment,
    Environment as Environment,
    Outputs as Outputs,
)
from environments.model.errors import (
    UnreadableSummary as UnreadableSummary,
)
from environments.model.failure import (
    Failure as Failure,
    FailureCause as FailureCause,
)
from environments.model.names import (
    EnvironmentName as EnvironmentName,
    check_name as check_name,
)
from environments.model.observation import (
    HostState as HostState,
    Observation as Observation,
    ServiceState as ServiceState,
)
from environments.model.operation import (
    Operation as Operation,
    ToolProcess as ToolProcess,
)
from environments.model.provider_kinds import (
    ProviderSpec as ProviderSpec,
    register_provider as register_provider,
)
from environments.model.records import (
    HistoryEntry as HistoryEntry,
)
from environments.model.spec import (
    EnvironmentSpec as EnvironmentSpec,
)
from environments.model.states import (
    AnyState as AnyState,
    Configured as Configured,
    ConfigureFailed as ConfigureFailed,
    Configuring as Configuring,
    Created as Created,
    Destroyed as Destroyed,
    EnvironmentState as EnvironmentState,
    Provisioned as Provisioned,
    ProvisionFailed as ProvisionFailed,
    Provisioning as Provisioning,
    Released as Released,
    ReleaseFailed as ReleaseFailed,
    Releasing as Releasing,
    RunFailed as RunFailed,
    Running as Running,
)
from environments.model.steps import (
    Effect as Effect,
    Probe as Probe,
    Probed as Probed,
    Step as Step,
    StepContext as StepContext,
    StepOutputs as StepOutputs,
    Verdict as Verdict,
)
from environments.model.summary import (
    Summary as Summary,
)
from environments.ports import (
    Clock as Clock,
    CollectsLogs as CollectsLogs,
    EnvironmentRepository as EnvironmentRepository,
    Provider as Provider,
)
from environments.providers.common.tools import (
    Tool as Tool,
    run_tool as run_tool,
)
from environments.providers.local import (
    LocalProvider as LocalProvider,
)
from environments.providers.terraform import (
    TerraformProvider as TerraformProvider,
)
from environments.recovery.recover import (
    Recovered as Recovered,
)
from environments.recovery.settle import (
    Assumption as Assumption,
    Doubt as Doubt,
)
from environments.secrets.references import (
    SecretRef as SecretRef,
)
from environments.selection import (
    LabelTerm as LabelTerm,
    Selection as Selection,
)
from environments.storage.file import (
    FileRepository as FileRepository,
)
from environments.storage.memory import (
    MemoryRepository as MemoryRepository,
)
from environments.workspace import (
    Workspace as Workspace,
)
