"""Documents say what the code does: settings, routes, log events, tables and queues, in docs and in infra."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from shared.events import EVENTS
from shared.settings import SETTINGS, load
from sync.core.messages import QUEUES
from sync.panel import api, pages
from tests.triggers.loaded import functions

ROOT = Path(__file__).parents[2]
TABLES = ("connections", "tenants", "people", "groups", "addresses", "accounts", "staging", "runs", "mails", "once")
DOCUMENTS = [*sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")), "README.md", "infra/README.md"]
# Empty in Azure, where identities stand in for them; or set only where there is a private CA.
NOT_IN_AZURE = {"AzureWebJobsStorage", "ENTRA_CLIENT_SECRET", "SSL_CERT_FILE"}


def _read(path: str) -> str:
    return (ROOT / path).read_text()


def _bicep() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "infra").rglob("*.bicep")))


def _rows(document: str) -> list[tuple[str, ...]]:
    """The cells of every table row whose first cell is code."""
    rows = [line.strip().strip("|").split(" | ") for line in document.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in row) for row in rows]


def test_every_setting_is_documented_to_the_letter() -> None:
    """docs/settings.md has each setting with its default and its help, in the same order, and no other."""
    expected = []
    for setting in SETTINGS:
        default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else "empty"
        expected.append((f"`{setting.name}`", default, setting.help))
    assert _rows(_read("docs/settings.md")) == expected


def test_example_settings_are_complete_and_good() -> None:
    """local.settings.example.json has every setting and can be loaded as it is."""
    values: dict[str, str] = json.loads(_read("local.settings.example.json"))["Values"]
    hosts = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsDisableHomepage"}
    assert set(values) - hosts == {setting.name for setting in SETTINGS}
    load(values)


def test_infrastructure_sets_every_setting() -> None:
    """Bicep sets each setting that Azure needs, and no name that the app does not know."""
    source = _read("infra/modules/app.bicep") + _read("infra/main.bicep")
    given = set(re.findall(r"^ +([A-Z][A-Z_]{3,}|AzureWebJobs\w+): ", source, re.MULTILINE))
    known = {setting.name for setting in SETTINGS}
    hosts = {"AzureWebJobsStorage__credential", "AzureWebJobsDisableHomepage", "PYTHON_THREADPOOL_THREAD_COUNT",
             "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"}  # fmt: skip
    assert given - hosts == known - NOT_IN_AZURE
    defaults = {setting.name: setting.default for setting in SETTINGS}
    for name, value in re.findall(r"^ +([A-Z_]+): '([^'$@]*)'$", source, re.MULTILINE):
        if name in defaults:
            assert value == defaults[name], name


def test_infrastructure_makes_the_queues_and_tables() -> None:
    """Bicep knows the product's queues with their poison queues, and its tables."""
    source = _read("infra/modules/storage.bicep")
    queues = re.search(r"var queues = \[(.*?)\]", source, re.DOTALL)
    tables = re.search(r"var tables = \[(.*?)\]", source, re.DOTALL)
    assert queues is not None
    assert tables is not None
    assert tuple(re.findall(r"'(\w+)'", queues[1])) == QUEUES
    assert tuple(re.findall(r"'(\w+)'", tables[1])) == TABLES
    assert "'${queue}-poison'" in source
    assert "allowSharedKeyAccess: false" in source


def test_tables_are_those_of_the_adapters_and_the_document() -> None:
    """The tables named in docs/architecture.md and opened by the storage adapters are the same."""
    opened = re.findall(r'tables\.table\("(\w+)"\)', _read("sync/adapters/tables/storage.py"))
    assert sorted(opened) == sorted(TABLES)
    documented = {row[0].strip("`") for row in _rows(_read("docs/architecture.md"))}
    assert set(TABLES) <= documented


def test_alerts_ask_for_events_that_exist() -> None:
    """Every log event that an alert looks for is in the catalogue."""
    asked = set(re.findall(r'Message has "([^"]+)"', _bicep()))
    assert asked
    assert asked <= set(EVENTS)


def test_braces_of_the_infrastructure_match() -> None:
    """No compiler here: at least brackets and quotes are balanced, and every module that is used exists."""
    for path in sorted((ROOT / "infra").rglob("*.bicep*")):
        text = re.sub(r"//.*", "", path.read_text()) if "https://" not in path.read_text() else path.read_text()
        for opening, closing in ("{}", "[]", "()"):
            assert text.count(opening) == text.count(closing), f"{path.name}: {opening}{closing}"
    for module in re.findall(r"module \w+ '([^']+)'", _read("infra/main.bicep")):
        assert (ROOT / "infra" / module).exists()


def test_parameters_of_the_modules_match() -> None:
    """main.bicep gives each module exactly the parameters it declares, and reads only outputs it has."""
    main = _read("infra/main.bicep")
    for name, path in re.findall(r"module (\w+) '([^']+)'", main):
        source = _read(f"infra/{path}")
        block = re.search(rf"module {name} .*?params: {{\n(.*?)\n  }}\n}}", main, re.DOTALL)
        assert block is not None
        given = set(re.findall(r"^    (\w+):", block[1], re.MULTILINE))
        assert given == set(re.findall(r"^param (\w+) ", source, re.MULTILINE)), path
        outputs = set(re.findall(r"^output (\w+) ", source, re.MULTILINE))
        assert set(re.findall(rf"\b{name}\.outputs\.(\w+)", main)) <= outputs, path
    needed = {name for name, rest in re.findall(r"^param (\w+) \w+(.*)$", main, re.MULTILINE) if "=" not in rest}
    assert needed <= set(re.findall(r"^param (\w+) =", _read("infra/main.bicepparam"), re.MULTILINE))


def test_every_log_event_is_documented() -> None:
    """docs/events.md has each event of the catalogue with its fields and its meaning, and no other."""
    expected = {
        (f"`{name}`", ", ".join(f"`{field}`" for field in sorted(fields)), meaning)
        for name, (fields, meaning) in EVENTS.items()
    }
    assert set(_rows(_read("docs/events.md"))) == expected


def _routes(routes: Iterable[Any], prefix: str = "") -> set[str]:
    """`METHOD /path` of every route, through included routers."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, APIRoute):
            found |= {f"{method} {prefix}{route.path}" for method in route.methods or ()}
        else:
            inner = route.original_router
            found |= _routes(inner.routes, prefix + route.include_context.prefix)
    return found


def test_every_page_and_call_is_documented() -> None:
    """docs/api.md and docs/panel.md list exactly the routes there are."""
    calls = _routes(api.router.routes)
    documented = {row[0].strip("`") for row in _rows(_read("docs/api.md")) if "/api/" in row[0]}
    assert documented == calls
    shown = {row[0].strip("`") for row in _rows(_read("docs/panel.md"))}
    assert shown == _routes(pages.router.routes)


def test_every_function_route_is_documented() -> None:
    """The functions' own routes are named in docs/panel.md."""
    document = _read("docs/panel.md")
    bound = [function.get_trigger().get_dict_repr() for function in functions().values()]
    routes = [found["route"] for found in bound if found["type"] == "httpTrigger" and found["route"] != "{*path}"]
    assert len(routes) == 4
    assert [route for route in routes if f"/{route}`" not in document] == []


def test_every_problem_code_is_documented() -> None:
    """docs/api.md has each code that the panel's own errors use, with its status."""
    source = "\n".join(path.read_text() for path in (ROOT / "sync/panel").rglob("*.py"))
    used = set(re.findall(r'Problem\(\s*(\d{3}),\s*"(\w+)"', source))
    documented = {(row[1], row[0].strip("`")) for row in _rows(_read("docs/api.md")) if row[1].isdigit()}
    assert used <= documented
    assert {code for _, code in documented} == {code for _, code in used}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path: str) -> None:
    """Every relative link of a document names a file that exists."""
    document = ROOT / path
    for link in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        if not link.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / link).exists(), link


def test_host_speaks_plain_queues() -> None:
    """host.json fits the code: no route prefix, messages as they are, and five tries before the poison queue."""
    host = json.loads(_read("host.json"))["extensions"]
    assert host["http"]["routePrefix"] == ""
    assert host["queues"]["messageEncoding"] == "none"
    assert host["queues"]["maxDequeueCount"] == 5
