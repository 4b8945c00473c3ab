"""`make run ARGS=--auto`: the whole product against a living tenant, as continuous integration and a user run it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.run.stack import ROOT


@pytest.mark.slow
def test_a_tenant_connects_lives_and_does_not_differ() -> None:
    """The admin is played, the tenant lives for some seconds, and the accounts equal the tenant's truth."""
    ended = subprocess.run(
        [sys.executable, "-m", "local.run", "--auto", "--seconds", "12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Differences from the tenant's truth" in ended.stdout
