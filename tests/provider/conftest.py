import gc
import os
import shutil
import sys
from pathlib import Path

import pulumi.automation as auto
import pytest

from dotrain.sandbox.provider.api import Api
from dotrain.sandbox.provider.settings import Settings
from tests.provider import replay as replays

ROOT = Path(__file__).parents[2]


@pytest.fixture
def replay():
    replay = replays.Replay()
    stop = replays.serve(replay)
    yield replay
    stop()


@pytest.fixture
def api_for():
    """Return a function that makes a client, closed after the test."""
    made = []

    def make(url, **more):
        patience = {"poll_seconds": 0.01, "database_poll_seconds": 0.01, "retry_wait_min": 0.001}
        made.append(Api(Settings(url, **{**patience, **more})))
        return made[-1]

    yield make
    for api in made:
        api._http.close()


@pytest.fixture(scope="session")
def pulumi_root():
    """Return the directory that has bin/pulumi, as the Automation API wants it."""
    found = os.environ.get("DOTRAIN_PULUMI") or shutil.which("pulumi")
    if not found:
        pytest.fail("These tests need the Pulumi CLI: put it on PATH or set DOTRAIN_PULUMI.")
    return Path(found).resolve()


@pytest.fixture
def stack_for(tmp_path, pulumi_root):
    """Return a function that makes a stack whose provider is this project's."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    script = plugins / "pulumi-resource-digitalocean"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m dotrain.sandbox.provider "$@"\n')
    script.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir()
    root = tmp_path / "cli"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "pulumi").symlink_to(pulumi_root)

    def make(program, url, **environment):
        variables = {
            "PATH": f"{plugins}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "DIGITALOCEAN_API_URL": url,
            "DIGITALOCEAN_TOKEN": "a-token-of-the-sandbox",
            "DOTRAIN_SANDBOX_POLL_SECONDS": "0.02",
            "DIGITALOCEAN_HTTP_RETRY_WAIT_MIN": "0.01",
            **environment,
        }
        return auto.create_or_select_stack(
            "test",
            project_name="provider",
            program=program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(tmp_path),
                env_vars=variables,
                pulumi_command=auto.PulumiCommand(str(root)),
                project_settings=auto.ProjectSettings(
                    "provider",
                    "python",
                    backend=auto.ProjectBackend(f"file://{state}"),
                ),
            ),
        )

    yield make
    # The SDK leaves loops and coroutines of its inline programs to the collector: have it done
    # here, and not in the middle of another test.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", lambda _: None)
        gc.collect()
