"""docs/errors.md has every code and remedy, to the letter, and nothing else."""

import ast
import re
from pathlib import Path

from sync.core.health import REMEDIES

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| `(?P<code>[a-z_]+)` \| (?P<cause>.+) \| (?P<remedy>.+) \|$", re.MULTILINE)


def raised() -> dict[str, str]:
    """Code -> remedy of every `NeedsAdmin("…", "…")` in the code."""
    found = {}
    for file in (ROOT / "sync").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NeedsAdmin":
                texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                if len(texts) == 2:
                    found[str(texts[0])] = str(texts[1])
    return found


def test_every_code_is_documented_with_its_remedy() -> None:
    """What an admin may see is on the page, word for word."""
    rows = {row["code"]: row["remedy"] for row in _ROW.finditer((ROOT / "docs" / "errors.md").read_text())}
    assert rows == {**REMEDIES, **raised()}


def test_remedies_are_sentences() -> None:
    """They begin with a capital, end with a full stop, and say something."""
    for code, remedy in {**REMEDIES, **raised()}.items():
        assert remedy[0].isupper(), code
        assert remedy.endswith("."), code
        assert len(remedy) > 30, code
