"""`make run` as a whole: everything starts, and everything ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.azurite, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
LINK = re.compile(r"Open (http://localhost:\d+/)")
MAIL = re.compile(r"Mail +(http://127\.0\.0\.1:\d+)")


def _start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.run", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _until(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> tuple[str, str]:
    """The first group of `pattern`, and all that was printed until then."""
    assert process.stdout is not None
    said = ""
    while (found := pattern.search(said)) is None:
        line = process.stdout.readline()
        assert line, said
        said += line
    return found[1], said


def test_it_prints_one_link_and_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """The link answers, the panel behind it too, and after the signal every port is free again."""
    with _start(tmp_path, "--people", "20") as process:
        link, _ = _until(process, LINK)
        mail, _ = _until(process, MAIL)
        panel = re.findall(r'action="(http://localhost:\d+)/session"', httpx.get(link).text)[0]
        assert httpx.get(f"{panel}/health").status_code == 200
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=40)[0]
        assert (process.returncode, "Stopped." in rest) == (0, True)
    for url in (link, mail, panel):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert list((tmp_path / ".local").iterdir()) == []


def test_a_part_that_dies_ends_everything_and_is_named(tmp_path: Path) -> None:
    """When the mail catcher is killed, the rest stops and the message says which part it was."""
    with _start(tmp_path, "--people", "20") as process:
        _until(process, LINK)
        (folder,) = (tmp_path / ".local").iterdir()
        found = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "leash local.mail"], capture_output=True, text=True, check=True
        )
        os.kill(int(found.stdout), signal.SIGKILL)
        rest = process.communicate(timeout=40)[0]
    assert process.returncode == 1
    assert "the mail catcher ended by itself" in rest
    assert not folder.exists()


@pytest.mark.parametrize("which", ["panel", "sign-in", "cloud", "queue"])
def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path, which: str) -> None:
    """Whichever part's port is taken: the message names it and says how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        began = time.monotonic()
        with _start(tmp_path, "--people", "20", f"--{which}-port", str(port)) as process:
            said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert str(port) in said
    assert "--port-base" in said
    assert time.monotonic() - began < 40


def test_auto_finds_no_difference(tmp_path: Path) -> None:
    """`--auto` plays the admin from consent to a living tenant, and ends with 0 when accounts equal the truth."""
    with _start(tmp_path, "--auto", "--seconds", "5", "--every", "1") as process:
        said = process.communicate(timeout=280)[0]
    assert process.returncode == 0, said
    assert re.search(r"Differences from the tenant's truth +│ +0 ", said)
