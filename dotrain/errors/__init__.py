"""Every error dotrain raises.

::

  DotrainError
   ├─ SpecError                  what was asked for is wrong (also a ValueError)
   │   ├─ InvalidName
   │   ├─ InvalidAddress
   │   ├─ OpenToWorld            0.0.0.0/0 or ::/0 without open_to_world=True
   │   ├─ TaskDoesNotFit         no pool can ever run it; carries .nearest
   │   ├─ NotPicklable           a function, or what it takes along, cannot leave this kernel
   │   ├─ FunctionTooLarge       more than a Kubernetes Secret takes
   │   ├─ FilesTooLarge          more than a Kubernetes ConfigMap takes
   │   └─ UnknownChoice          carries .nearest
   │       ├─ UnknownGpu
   │       ├─ UnknownRegion
   │       ├─ UnknownSize
   │       └─ UnknownVersion
   ├─ ConfigError                this machine is not set up
   │   ├─ HelmNotFound
   │   ├─ MissingExtra           pip install 'dotrain[...]'
   │   ├─ MissingToken
   │   └─ UnsafeEndpoint         a token would travel in the clear, or to a stranger
   ├─ AddressError               this machine's public address is not known for certain
   ├─ ApiError                   DigitalOcean said no; carries .status and .request_id
   │   ├─ TokenRejected
   │   ├─ NotFound
   │   ├─ RateLimited
   │   └─ Unreachable
   ├─ EngineError                the Pulumi CLI
   │   ├─ EngineNotFound
   │   ├─ EngineBuildFailed
   │   ├─ ProviderNotFound
   │   ├─ StackLocked            another operation runs on this stack
   │   ├─ StateCorrupt
   │   ├─ StateTooNew            a newer dotrain or Pulumi wrote the state
   │   ├─ WrongPassphrase
   │   ├─ OperationFailed        up or down stopped half-way; carries .failures
   │   └─ OperationInterrupted
   ├─ KubernetesError            the cluster's own API said no; carries .status, .causes, .objects
   │   ├─ KubernetesForbidden
   │   ├─ KubernetesNotFound
   │   ├─ KubernetesUnreachable
   │   │   ├─ AddressMoved       its firewall does not know where this machine is now
   │   │   └─ JobUncertain       a job may run or not; carries .name
   │   ├─ DrainFailed            Pods stay on nodes that should be empty
   │   ├─ ForwardFailed          a port could not be forwarded
   │   ├─ JobRefused             admission control does not let a job's Pods in
   │   ├─ NotReady               nodes or Pods did not become ready
   │   └─ OperatorFailed         an operator (KubeRay, Dask's) could not be installed
   ├─ JobNotFound                carries .nearest
   ├─ JobError                   about one job; carries .status, how it was
   │   ├─ JobFailed              carries .log, its last lines, and .traceback, its function's
   │   │   └─ ResultTooLarge     more than a Kubernetes Secret takes
   │   ├─ ImageNotPulled         a node cannot get its image
   │   └─ NotFinished            it goes on, and nobody waits for it (also a TimeoutError)
   ├─ StorageError               object storage said no, or nothing
   ├─ ResultUnreadable           this kernel cannot unpickle it; its bytes are at .path
   ├─ SandboxError               the local DigitalOcean did not start or answer
   ├─ ClusterNotFound
   ├─ ClusterReplaced            another one has its name by now
   ├─ ClusterPaused              it has no training nodes until it is resumed
   ├─ JobNameTaken
   ├─ NameInUse
   ├─ ReplacementRefused         the change would destroy the cluster, or some of it
   ├─ LockedOut                  the change would shut the caller out
   ├─ ConfirmationRequired
   ├─ TeardownFailed             at the end of a with block; carries .block, how that ended
   ├─ TeardownIncomplete         carries .left, a DataFrame of what still exists
   └─ SweepIncomplete            carries .frame, a DataFrame of what was done and what was not

Each message is one paragraph: what happened, why, and what to do next. The
three parts are also attributes, so that a widget can set them apart.

Five are no errors but warnings: StateRestored, when a state that could not be
read was replaced by a copy; EndsSoon, when a cluster is near the end of its max
age; BudgetRunsOut; NothingElseEndsIt, when a cluster goes after its job and has
no other end; and FinisherKilled, when what was to take it down was killed, or
has failed.
"""

from __future__ import annotations

from dotrain.errors.api import (
    ApiError,
    NotFound,
    RateLimited,
    TokenRejected,
    Unreachable,
)
from dotrain.errors.asked import (
    AddressError,
    ConfigError,
    InvalidAddress,
    InvalidName,
    MissingToken,
    OpenToWorld,
    SpecError,
    UnknownChoice,
    UnknownGpu,
    UnknownRegion,
    UnknownSize,
    UnknownVersion,
    UnsafeEndpoint,
)
from dotrain.errors.base import (
    DotrainError,
)
from dotrain.errors.clusters import (
    BudgetRunsOut,
    ClusterNotFound,
    ClusterReplaced,
    ConfirmationRequired,
    EndsSoon,
    FinisherKilled,
    LockedOut,
    NameInUse,
    NothingElseEndsIt,
    ReplacementRefused,
    SandboxError,
    StateRestored,
    SweepIncomplete,
    TeardownFailed,
    TeardownIncomplete,
)
from dotrain.errors.engine import (
    EngineBuildFailed,
    EngineError,
    EngineNotFound,
    OperationFailed,
    OperationInterrupted,
    ProviderNotFound,
    StackLocked,
    StateCorrupt,
    StateTooNew,
    WrongPassphrase,
)
from dotrain.errors.frameworks import (
    HelmNotFound,
    MissingExtra,
    OperatorFailed,
)
from dotrain.errors.jobs import (
    ClusterPaused,
    FilesTooLarge,
    FunctionTooLarge,
    JobNameTaken,
    JobRefused,
    JobUncertain,
    NotPicklable,
    ResultTooLarge,
    ResultUnreadable,
    StorageError,
    TaskDoesNotFit,
)
from dotrain.errors.kubernetes import (
    AddressMoved,
    DrainFailed,
    ForwardFailed,
    KubernetesError,
    KubernetesForbidden,
    KubernetesNotFound,
    KubernetesUnreachable,
    NotReady,
)
from dotrain.errors.running import (
    ImageNotPulled,
    JobError,
    JobFailed,
    JobNotFound,
    NotFinished,
)

__all__ = [
    "AddressError",
    "AddressMoved",
    "ApiError",
    "BudgetRunsOut",
    "ClusterNotFound",
    "ClusterPaused",
    "ClusterReplaced",
    "ConfigError",
    "ConfirmationRequired",
    "DotrainError",
    "DrainFailed",
    "EndsSoon",
    "EngineBuildFailed",
    "EngineError",
    "EngineNotFound",
    "FilesTooLarge",
    "FinisherKilled",
    "ForwardFailed",
    "FunctionTooLarge",
    "HelmNotFound",
    "ImageNotPulled",
    "InvalidAddress",
    "InvalidName",
    "JobError",
    "JobFailed",
    "JobNameTaken",
    "JobNotFound",
    "JobRefused",
    "JobUncertain",
    "KubernetesError",
    "KubernetesForbidden",
    "KubernetesNotFound",
    "KubernetesUnreachable",
    "LockedOut",
    "MissingExtra",
    "MissingToken",
    "NameInUse",
    "NotFinished",
    "NotFound",
    "NotPicklable",
    "NotReady",
    "NothingElseEndsIt",
    "OpenToWorld",
    "OperationFailed",
    "OperationInterrupted",
    "OperatorFailed",
    "ProviderNotFound",
    "RateLimited",
    "ReplacementRefused",
    "ResultTooLarge",
    "ResultUnreadable",
    "SandboxError",
    "SpecError",
    "StackLocked",
    "StateCorrupt",
    "StateRestored",
    "StateTooNew",
    "StorageError",
    "SweepIncomplete",
    "TaskDoesNotFit",
    "TeardownFailed",
    "TeardownIncomplete",
    "TokenRejected",
    "UnknownChoice",
    "UnknownGpu",
    "UnknownRegion",
    "UnknownSize",
    "UnknownVersion",
    "Unreachable",
    "UnsafeEndpoint",
    "WrongPassphrase",
]

# Users know them by this name, in tracebacks too, wherever in here they are written.
for _name in __all__:
    globals()[_name].__module__ = __name__
