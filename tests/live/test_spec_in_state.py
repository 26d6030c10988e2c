"""A spec comes back from a real stack as it went in."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotrain.engine import locate, state
from dotrain.engine.driver import Driver
from dotrain.engine.progress import Progress
from dotrain.engine.provider import Provider
from dotrain.engine.workspace import Workspace
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target
from tests.unit.strategies import resolutions, specs


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spec=specs, resolved=resolutions, number=st.uuids())
def test_a_spec_survives_the_engine(
    spec: ClusterSpec, resolved: Resolved, number: object, tmp_path: Path, module_home: Path
) -> None:
    engine = locate.find()
    assert engine is not None
    home = tmp_path / str(number)
    home.mkdir()
    target = Target("sandbox", "http://127.0.0.1:9", "none", home)
    driver = Driver(Workspace(target, "roundtrip", engine, Provider(home, "stand-in", "4.84.1")))

    def program() -> None:
        import pulumi

        class Component(pulumi.ComponentResource):
            def __init__(self) -> None:
                record = state.record(spec, resolved)
                super().__init__(state.COMPONENT, spec.name, {"record": record})

        Component()

    driver.up(program, Progress("up"))
    remembered = driver.read()
    assert remembered is not None
    assert (remembered.spec, remembered.resolved) == (spec, resolved)
