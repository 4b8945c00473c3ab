"""The small parts of `make run`: the admin's tokens, the link, the children, the comparison."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from local.run.children import Child, ChildError, Program
from local.run.door import Door
from local.run.expectation import differences, expect
from local.run.workspace import AUDIENCE, ISSUER, Workspace

READY = re.compile(r"ready (\w+)")


def _program(folder: Path, code: str) -> Program:
    (folder / "a_program.py").write_text(code)
    return Program("the program", "a_program", ["word"], READY, {"PYTHONPATH": f"{folder}:{Path.cwd()}"})


def test_a_token_is_good_for_whoever_has_the_published_key(tmp_path: Path) -> None:
    """The JWKS verifies it, it lives less than five minutes, each has an id of its own, and the key is kept."""
    workspace = Workspace(tmp_path / "key.pem")
    key = jwt.PyJWK(json.loads(Workspace(tmp_path / "key.pem").jwks())["keys"][0])
    tokens = [jwt.decode(workspace.token(), key, ["RS256"], audience=AUDIENCE, issuer=ISSUER) for _ in range(2)]
    assert tokens[0]["exp"] - tokens[0]["iat"] <= 300
    assert tokens[0]["jti"] != tokens[1]["jti"]
    assert tokens[0]["role"] == "admin"


def test_the_link_posts_a_fresh_token_each_time(tmp_path: Path) -> None:
    """The page holds a form for the panel; asking for an icon uses up no token; nothing else may run on it."""
    door = Door(Workspace(tmp_path / "key.pem"), "http://localhost:1")
    door.open()
    try:
        pages = [httpx.get(door.url) for _ in range(2)]
        tokens = {re.findall(r'name="token" value="([\w.-]+)"', page.text)[0] for page in pages}
        assert len(tokens) == 2
        assert 'action="http://localhost:1/session"' in pages[0].text
        assert "default-src 'none'" in pages[0].headers["content-security-policy"]
        assert httpx.get(f"{door.url}favicon.ico").status_code == 404
    finally:
        door.close()


def test_a_child_says_when_it_is_ready_and_stops(tmp_path: Path) -> None:
    """What the ready line holds is handed back; stopping ends the process."""
    code = "import sys, time\nprint('ready', sys.argv[1])\ntime.sleep(60)"
    child = Child(_program(tmp_path, code), tmp_path)
    assert child.wait_ready() == ("word",)
    child.check()
    child.stop()
    with pytest.raises(ChildError, match="ended by itself"):
        child.check()


def test_a_child_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    """The error has the name, the status and what it said last."""
    child = Child(_program(tmp_path, "raise SystemExit('no such luck')"), tmp_path)
    with pytest.raises(ChildError, match=r"(?s)the program ended by itself with status 1.*no such luck"):
        child.wait_ready()
    child.stop()


def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """When the parent is killed, the child's standard input closes and it ends too."""
    (tmp_path / "a_program.py").write_text("import time\nprint('ready now', flush=True)\ntime.sleep(60)")
    environ = {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    parent = (
        "import re, time\nfrom pathlib import Path\nfrom local.run.children import Child, Program\n"
        f"program = Program('x', 'a_program', [], re.compile('ready'), {environ!r})\n"
        f"child = Child(program, Path({str(tmp_path)!r}))\nchild.wait_ready()\n"
        "print(child._process.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def _user(key: str, **properties: Any) -> dict[str, Any]:
    usual = {"displayName": "Anna", "mail": f"{key}@corp.example", "userPrincipalName": f"{key}@corp.example"}
    return {
        "id": key,
        "state": "live",
        "accountEnabled": True,
        "userType": "Member",
        "groups": [],
        **usual,
        **properties,
    }


def _person(key: str, **changed: Any) -> dict[str, Any]:
    account = {"state": "active", "address": f"{key}@corp.example", "fields": {"display_name": "Anna"}}
    return {"object_id": key, "account": account, "reason": "", "group_ids": [], **changed}


@pytest.mark.parametrize(
    ("user", "address"),
    [
        (_user("a"), "a@corp.example"),
        (_user("a", mail="A.B@CORP.example "), "a.b@corp.example"),
        (_user("a", mail=None), "a@corp.example"),
        (_user("a", mail=None, userPrincipalName="a@corp.onmicrosoft.com"), ""),
        (_user("a", mail=None, userPrincipalName="a@site.local"), ""),
        (_user("a", mail="x@ex\u00e4mple.example"), "x@xn--exmple-cua.example"),
        (_user("a", userType="Guest"), ""),
        (_user("a", userType=None, userPrincipalName="b_c.d#EXT#@corp.example"), ""),
        (_user("a", accountEnabled=False), ""),
        (_user("a", accountEnabled=None), ""),
        (_user("a", state="deleted"), ""),
        (_user("a", displayName=" "), ""),
    ],
)
def test_who_should_have_an_account(user: dict[str, Any], address: str) -> None:
    """Address by the written rules; guests, disabled, deleted and nameless people have none."""
    assert expect({"users": [user], "groups": []})["a"].address == address


def test_every_kind_of_difference_is_found() -> None:
    """Missing, surplus, changed and doubly held accounts are each named; a perfect copy has no difference."""
    truth = {
        "users": [
            _user("a", groups=["g"]),
            _user("b"),
            _user("c", accountEnabled=False),
            _user("d", mail="b@corp.example"),
        ],
        "groups": [{"id": "g", "state": "live"}, {"id": "h", "state": "deleted", "members": [{"id": "a"}]}],
    }
    conflict = _person("d", account=None, reason="address_conflict")
    good = [_person("a", group_ids=["g"]), _person("b"), _person("c", account=None, reason="disabled"), conflict]
    assert differences(expect(truth), good) == []
    assert differences(expect(truth), [_person("a", group_ids=["g", "h"]), *good[1:]]) == []
    assert differences(expect(truth), [_person("a", group_ids=["h"]), *good[1:]]) == ["a: is in 0 groups instead of 1"]
    renamed = {"state": "active", "address": "b@corp.example", "fields": {"display_name": "Bea"}}
    bad = [_person("b", account=renamed), _person("c"), _person("d", account=renamed), _person("x")]
    assert differences(expect(truth), bad) == [
        "a: is missing",
        "b and d: two accounts with one address",
        "b: differs in display_name",
        "c: has an active account and should not",
        "d: differs in display_name",
        "x: in the product but never in the directory",
    ]
    neither = [_person("a", group_ids=["g"]), {**conflict, "object_id": "b"}, conflict]
    assert "b: of those with one address, nobody has the account" in differences(expect(truth), neither)
