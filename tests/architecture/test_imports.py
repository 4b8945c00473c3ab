"""Who may import whom (docs/architecture.md). Read from the source, so that lazy imports count too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("function_app", "sync", "shared", "local", "tests")
STDLIB = frozenset(sys.stdlib_module_names)

# Folder or module -> what of ours it may import. The longest name that fits a module is its rule.
ALLOWED: dict[str, tuple[str, ...]] = {
    "function_app": ("sync.triggers",),
    "sync.triggers": ("sync.wiring", "sync.core", "sync.usecases"),
    "sync.wiring": ("sync.adapters", "sync.panel", "sync.usecases", "sync.core", "sync.ports", "shared"),
    "sync.panel": ("sync.panel", "sync.usecases", "sync.core", "sync.ports", "shared"),
    "sync.usecases": ("sync.usecases", "sync.core", "sync.ports", "shared"),
    "sync.adapters": ("sync.adapters", "sync.core", "sync.ports", "shared"),
    "sync.ports": ("sync.ports", "sync.core", "shared"),
    "sync.core": ("sync.core", "shared.errors", "shared.clock", "shared.canonical"),
    "shared": ("shared",),
    "local.cloud": ("local.cloud",),
}
# Vendor -> the only places that may import it.
VENDORS: dict[str, tuple[str, ...]] = {
    "azure.functions": ("function_app", "sync.triggers", "local.host", "tests"),
    "azure": ("sync.adapters", "sync.triggers", "function_app", "local", "tests"),
    "msgraph": ("sync.adapters.graph", "tests"),
    "msgraph_core": ("sync.adapters.graph", "tests"),
    "kiota_abstractions": ("sync.adapters.graph", "tests"),
    "kiota_http": ("sync.adapters.graph", "tests"),
    "fastapi": ("sync.panel", "tests"),
    "jinja2": ("sync.panel", "local", "tests"),
    "pydantic": ("sync.panel", "tests"),
    "smtplib": ("sync.adapters", "local", "tests"),
}
# What may do input or output, read a clock or make a random number: nothing of it belongs in the core.
IMPURE = frozenset(
    {"asyncio", "datetime.now", "http", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "ssl",
     "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid.uuid1",
        "uuid.uuid4"}
)  # fmt: skip


def _modules() -> dict[str, Path]:
    found = {"function_app": ROOT / "function_app.py"}
    for top in ("sync", "shared", "local"):
        for path in (ROOT / top).rglob("*.py"):
            if "node_modules" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _within(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def _rule(module: str) -> tuple[str, ...] | None:
    fitting = [name for name in ALLOWED if _within(module, name)]
    return ALLOWED[max(fitting, key=len)] if fitting else None


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_one_way(module: str) -> None:
    """A module imports of ours only what its folder may."""
    allowed = _rule(module)
    if allowed is None:
        return
    ours = [name for name in _imports(MODULES[module]) if any(_within(name, top) for top in OURS)]
    wrong = [name for name in ours if not any(_within(name, parent) or _within(parent, name) for parent in allowed)]
    assert wrong == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_vendors_stay_where_they_belong(module: str) -> None:
    """Azure, Graph and web libraries are imported only in their own corner."""
    for name in _imports(MODULES[module]):
        fitting = [vendor for vendor in VENDORS if _within(name, vendor)]
        if fitting:
            places = VENDORS[max(fitting, key=len)]
            assert any(_within(module, place) for place in places), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(name for name in MODULES if _within(name, "sync.core")))
def test_core_is_pure(module: str) -> None:
    """The core imports the standard library and the core's neighbours only, and nothing that does I/O."""
    for name in _imports(MODULES[module]):
        top = name.partition(".")[0]
        assert top in STDLIB or top in {"sync", "shared", "idna"}, name
        assert not any(_within(name, impure) for impure in IMPURE), name


def test_only_the_composition_root_loads_the_settings() -> None:
    """The environment is read in one place of the product, and asked for in one."""
    for module, path in MODULES.items():
        if _within(module, "local") or module == "shared.settings":
            continue
        names = set(_imports(path))
        assert "os" not in names, f"{module} imports os"
        assert "shared.settings.load" not in names or module == "sync.wiring", module


def test_no_module_shadows_another() -> None:
    """In Azure the app's folder is first on sys.path: no name of ours may be the standard library's or a package's."""
    tops = {path.stem if path.is_file() else path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert not tops & STDLIB
    assert not tops & {"azure", "jwt", "msgraph", "fastapi", "jinja2", "httpx", "pydantic", "idna"}


def test_names_that_mean_nothing_are_not_used() -> None:
    """No module is called utils, helpers, manager or common."""
    words = {"utils", "helpers", "manager", "common", "util", "helper", "misc"}
    assert [name for name in MODULES if words & set(name.split("."))] == []


@pytest.mark.parametrize("module", sorted(name for name in MODULES if _within(name, "sync")))
def test_files_stay_small(module: str) -> None:
    """A file of the product has at most about 300 lines."""
    assert len(MODULES[module].read_text().splitlines()) <= 340
