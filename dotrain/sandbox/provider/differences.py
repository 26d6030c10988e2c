"""What a change of inputs comes to: an update, a replacement, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.runtime.proto import provider_pb2 as pb

from dotrain.sandbox.provider import fields, naming
from dotrain.sandbox.provider.wire import Props

if TYPE_CHECKING:
    from dotrain.sandbox.provider.resource import Resource


def answer(resource: Resource, state: Props, old_inputs: Props, inputs: Props) -> pb.DiffResponse:
    """Return what the inputs change of a resource's state."""
    found = fields.changes(resource.fields, state, inputs)
    replaces = [change.path for change in found if change.replaces]
    named = "name" in resource.fields and not naming.was_defaulted(inputs, "name")
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if found else pb.DiffResponse.DIFF_NONE,
        replaces=replaces,
        # Two of one name cannot be there at once.
        deleteBeforeReplace=bool(replaces) and named,
        diffs=sorted({change.top for change in found}),
        detailedDiff={
            # Shown against the old inputs where those differ: the state has more in it.
            change.path: pb.PropertyDiff(
                kind=_kind(change), inputDiff=old_inputs.get(change.top) != inputs.get(change.top)
            )
            for change in found
        },
        hasDetailedDiff=True,
    )


def _kind(change: fields.Change) -> pb.PropertyDiff.Kind.ValueType:
    kinds = pb.PropertyDiff
    if not change.old:
        return kinds.ADD_REPLACE if change.replaces else kinds.ADD
    if not change.new:
        return kinds.DELETE_REPLACE if change.replaces else kinds.DELETE
    return kinds.UPDATE_REPLACE if change.replaces else kinds.UPDATE
