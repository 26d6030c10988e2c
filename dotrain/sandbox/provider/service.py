"""The gRPC service that the engine talks to: requests in, plain functions, answers out."""

from __future__ import annotations

import functools
import json
import math
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as pb
from typing_extensions import override

from dotrain.sandbox.provider import fields, naming, settings, wire
from dotrain.sandbox.provider.differences import answer as difference
from dotrain.sandbox.provider.errors import ApiError, ProviderError, WaitFailed
from dotrain.sandbox.provider.registry import RESOURCES

if TYPE_CHECKING:
    from dotrain.sandbox.provider.api import Api
    from dotrain.sandbox.provider.resource import Resource

VERSION = "4.84.1"
_GONE = 404


def _reporting(doing: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Report errors to the engine in the words of the official provider."""

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def reported(self: Service, request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return call(self, request, context)
            except (ApiError, WaitFailed) as error:
                message = f"Error {doing} {_resource(request).noun}: {error}"
            except ProviderError as error:
                message = str(error)
            return context.abort(grpc.StatusCode.UNKNOWN, message)

        return reported

    return wrap


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """The provider. Calls come in parallel, one thread each.

    It asks for secrets in the open: the engine then keeps what was secret in the inputs secret in
    the outputs, and this provider marks those that answers bring.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settings: settings.Settings | None = None
        self._client: Api | None = None

    @override
    def Handshake(self, request: Any, context: Any) -> pb.ProviderHandshakeResponse:
        return pb.ProviderHandshakeResponse()

    @override
    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    @override
    def GetSchema(self, request: Any, context: Any) -> pb.GetSchemaResponse:
        return pb.GetSchemaResponse(schema=json.dumps({"name": "digitalocean", "version": VERSION}))

    @override
    def CheckConfig(self, request: Any, context: Any) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)

    @override
    def DiffConfig(self, request: Any, context: Any) -> pb.DiffResponse:
        same = wire.load(request.old_inputs) == wire.load(request.news)
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_NONE if same else pb.DiffResponse.DIFF_SOME
        )

    @override
    @_reporting("configuring")
    def Configure(self, request: Any, context: Any) -> pb.ConfigureResponse:
        self._settings = settings.read(wire.load(request.args), os.environ)
        return pb.ConfigureResponse(supportsPreview=True)

    @override
    def Check(self, request: Any, context: Any) -> pb.CheckResponse:
        resource = _resource(request)
        news = naming.unmarked(wire.load(request.news))
        inputs, defaulted = fields.with_defaults(resource.fields, news)
        if "name" in resource.fields and not inputs.get("name"):
            inputs["name"] = naming.automatic(
                request.urn, wire.load(request.olds), request.randomSeed
            )
            defaulted.append("name")
        failures = [
            pb.CheckFailure(property=path, reason=f"{path} must not be empty")
            for path in fields.empty_entries(inputs)
        ] + [
            pb.CheckFailure(
                property=name,
                reason=f"{name} is not something that the sandbox's provider supports",
            )
            for name, value in inputs.items()
            if value and name not in resource.fields
        ]
        marked = naming.marked(inputs, defaulted)
        return pb.CheckResponse(inputs=wire.dump(marked), failures=failures)

    @override
    def Diff(self, request: Any, context: Any) -> pb.DiffResponse:
        return difference(
            _resource(request),
            wire.load(request.olds),
            wire.load(request.old_inputs),
            wire.load(request.news),
        )

    @override
    @_reporting("creating")
    def Create(self, request: Any, context: Any) -> pb.CreateResponse:
        resource = _resource(request)
        inputs = naming.unmarked(wire.load(request.properties))
        if request.preview:
            state = fields.planned(resource.fields, resource.outputs, inputs)
            return pb.CreateResponse(properties=wire.dump(state, resource.secrets))
        limit = self._limit(request, resource.create_limit)
        id_, state = resource.create(self._api(), inputs, limit)
        state = fields.aligned(resource.fields, state, inputs)
        return pb.CreateResponse(id=id_, properties=wire.dump(state, resource.secrets))

    @override
    @_reporting("retrieving")
    def Read(self, request: Any, context: Any) -> pb.ReadResponse:
        resource = _resource(request)
        before, old_inputs = wire.load(request.properties), wire.load(request.inputs)
        try:
            id_, state = resource.read(self._api(), request.id, before)
        except ApiError as error:
            if error.status != _GONE:
                raise
            return pb.ReadResponse()
        state = fields.aligned(resource.fields, state, before)
        inputs = fields.inputs_of(resource.fields, state, old_inputs or None)
        kept = {name: value for name, value in old_inputs.items() if name not in resource.fields}
        return pb.ReadResponse(
            id=id_,
            properties=wire.dump(state, resource.secrets),
            inputs=wire.dump(inputs | kept),
        )

    @override
    @_reporting("updating")
    def Update(self, request: Any, context: Any) -> pb.UpdateResponse:
        resource = _resource(request)
        before, inputs = wire.load(request.olds), naming.unmarked(wire.load(request.news))
        if request.preview:
            state = fields.expected(resource.fields, before, inputs)
            return pb.UpdateResponse(properties=wire.dump(state, resource.secrets))
        limit = self._limit(request, resource.create_limit)
        wanted = fields.resolved(resource.fields, before, inputs)
        state = resource.update(self._api(), request.id, before, wanted, limit)
        state = fields.aligned(resource.fields, state, inputs)
        return pb.UpdateResponse(properties=wire.dump(state, resource.secrets))

    @override
    @_reporting("deleting")
    def Delete(self, request: Any, context: Any) -> Empty:
        resource = _resource(request)
        limit = self._limit(request, resource.delete_limit)
        try:
            resource.delete(self._api(), request.id, wire.load(request.properties), limit)
        except ApiError as error:
            if error.status != _GONE:
                raise
        return Empty()

    @override
    def Cancel(self, request: Any, context: Any) -> Empty:
        # A wait in progress is finished: what it waits for is then in the state.
        return Empty()

    def _limit(self, request: Any, default: float) -> float:
        """Return how long to wait: as long as the program says, but no longer than is set."""
        longest = self._settings.wait_seconds if self._settings else math.inf
        return min(request.timeout or default, longest)

    def _api(self) -> Api:
        # Loaded late: it is a third of the start-up, and without changes there is no request.
        from dotrain.sandbox.provider.api import Api

        with self._lock:
            if self._client is None:
                self._client = Api(self._settings or settings.read({}, os.environ))
            return self._client


def _resource(request: Any) -> Resource:
    token = request.urn.split("::")[2].rpartition("$")[2]
    if token not in RESOURCES:
        raise ProviderError(f"The sandbox's provider has no resource type {token}.")
    return RESOURCES[token]
