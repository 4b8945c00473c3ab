"""Puts Azurite and, where the machine has none, Node in place. Does nothing when they already are."""

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path

from local.azurite.node import OLDEST_MAJOR, Node, find_node

FOLDER = Path(__file__).parent
NODE_REQUIREMENTS = FOLDER.parent.parent / "requirements" / "node.txt"
STAMP = FOLDER / "node_modules" / ".installed"


class InstallError(Exception):
    """Azurite or Node could not be installed; the message says what failed and what was tried."""


def is_installed() -> bool:
    """Whether exactly what the lock file names is in place."""
    return STAMP.is_file() and STAMP.read_text() == _lock_digest() and find_node() is not None


def install() -> None:
    """Install Node (from PyPI, only where the machine has none) and Azurite, saying what happens.

    Raises InstallError when a package manager fails.
    """
    if is_installed():
        return
    node = find_node() or _node_from_pypi()
    print(f"Installing Azurite with {node.origin} (once, about a minute) ...", flush=True)
    # Install scripts stay off: none is needed, and none of 450 packages should run code here.
    # npm's engine warnings are silenced on purpose: see OLDEST_MAJOR.
    _run([*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER)
    STAMP.write_text(_lock_digest())
    print("Azurite is installed.", flush=True)


def _node_from_pypi() -> Node:
    print(f"This machine has no Node {OLDEST_MAJOR} or newer: installing Node from PyPI ...", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(NODE_REQUIREMENTS)], cwd=FOLDER)
    importlib.invalidate_caches()
    node = find_node()
    if node is None:
        raise InstallError("Node was installed from PyPI but cannot be found in this Python environment")
    return node


def _run(command: list[str], *, cwd: Path) -> None:
    quiet = {**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    done = subprocess.run(
        command, cwd=cwd, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise InstallError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout.strip()}")


def _lock_digest() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
