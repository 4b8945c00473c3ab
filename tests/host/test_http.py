"""Over HTTP the host behaves like Azure's, odd corners included."""

import time

import httpx
import pytest

from local.host.process import HostProcess

pytestmark = pytest.mark.azurite
GUID = "0a8bcd12-0000-1111-2222-abcdefabcdef"


def test_a_request_looks_as_in_azure(client: httpx.Client) -> None:
    """Headers are lower-cased and joined, repeated query values too, empty ones vanish from params but not the URL."""
    seen = client.post(
        "/echo/x?a=1&A=2&empty=&plus=a+b",
        content=b"body",
        headers=[("X-Two", "1"), ("x-two", "2"), ("traceparent", "00-1-2-01")],
    ).json()
    assert seen["headers"]["x-two"] == "1,2"
    assert seen["params"] == {"a": "1,2", "plus": "a b"}
    assert seen["url"].endswith("/echo/x?a=1&A=2&empty=&plus=a+b")
    assert (seen["method"], seen["body"], seen["route"]) == ("POST", "body", {"rest": "x"})
    assert (seen["function"], seen["trace"]) == ("echo_rest", "00-1-2-01")


def test_an_escaped_slash_stays_escaped(client: httpx.Client) -> None:
    """%2F survives in the path while other escapes are undone."""
    seen = client.get("/echo/a%2Fb/%C3%A9%20x").json()
    assert seen["route"] == {"rest": "a%2Fb/é x"}
    assert seen["url"].endswith("/echo/a%2Fb/%C3%A9%20x")


@pytest.mark.parametrize("path", ["/echo", "/echo/", "/ECHO"])
def test_a_bare_path_reaches_the_catch_all_without_its_parameter(client: httpx.Client, path: str) -> None:
    """`/x` matches `x/{*rest}` in any case, and `rest` is absent."""
    assert client.get(path).json()["route"] == {}


def test_functions_are_matched_in_order_of_their_names(client: httpx.Client) -> None:
    """A catch-all that sorts first swallows a more specific route; a constraint that fails lets the next one try."""
    assert client.post("/echo/only-post").json()["function"] == "echo_rest"
    assert client.get(f"/echo/{GUID}").text == f"guid {GUID}"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/only-post"), ("HEAD", "/only-post"), ("GET", "/nowhere"), ("GET", "/admin/functions")],
)
def test_what_no_function_takes_is_not_found(client: httpx.Client, method: str, path: str) -> None:
    """A wrong method is 404, not 405; reserved paths are 404."""
    answer = client.request(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_the_root_is_the_hosts_home_page(client: httpx.Client) -> None:
    """Unmatched `/` is the host's page."""
    assert "up and running" in client.get("/").text


def test_forwarded_headers_decide_the_url(client: httpx.Client) -> None:
    """Scheme and host of the URL follow the front end's headers."""
    headers = {"X-Forwarded-Proto": "https", "DISGUISED-HOST": "sync.example"}
    assert client.get("/echo/x", headers=headers).json()["url"] == "https://sync.example/echo/x"


def test_a_chunked_body_does_not_arrive(client: httpx.Client) -> None:
    """Only a body of announced length reaches the function."""
    assert client.post("/echo/x", content=iter([b"a", b"b"])).json()["body"] == ""


@pytest.mark.parametrize("what", ["none", "dict", "coroutine", "error"])
def test_whatever_is_no_answer_is_an_empty_500(client: httpx.Client, what: str) -> None:
    """Exceptions and wrong return values are 500 and show nothing."""
    answer = client.get(f"/returns/{what}")
    assert (answer.status_code, answer.content) == (500, b"")


def test_answers_keep_status_type_and_bytes(client: httpx.Client) -> None:
    """An HttpResponse goes out as it is; a returned text is sniffed for JSON."""
    assert client.get("/returns/empty").status_code == 202
    assert client.get("/returns/bytes").content == b"\x00\xff"
    assert client.get("/returns/text").headers["content-type"] == "text/plain; charset=utf-8"
    assert client.get("/returns/json").headers["content-type"].startswith("application/json")


def test_cookies_come_out_as_the_host_writes_them(client: httpx.Client) -> None:
    """Values are escaped, an empty domain appears, a cookie with Partitioned is lost; other headers keep the last."""
    answer = client.get("/cookies")
    assert answer.headers.get_list("set-cookie") == [
        "a=x%3D%2Fy; max-age=60; domain=; path=/; secure; samesite=lax; httponly",
        "b=plain; domain=; path=",
    ]
    assert answer.headers.get_list("x-twice") == ["last"]


def test_head_has_no_body(client: httpx.Client) -> None:
    """HEAD is answered with the length only."""
    answer = client.head("/echo/x")
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


def test_an_asgi_application_sees_the_whole_path(client: httpx.Client) -> None:
    """Under AsgiMiddleware the scope has the full path, no root path and no client."""
    assert client.get("/asgi/a%20b").json() == {"path": "/asgi/a b", "root_path": "", "client": None, "method": "GET"}


def test_a_function_key_is_wanted(client: httpx.Client) -> None:
    """A function that is not anonymous refuses callers while no key is set."""
    assert client.get("/locked", headers={"x-functions-key": ""}).status_code == 401


def test_sync_functions_run_in_threads_and_async_ones_on_one_loop(client: httpx.Client) -> None:
    """The thread names tell."""
    assert client.get("/echo/x").json()["thread"].startswith("http_")
    assert {client.post("/only-post").headers["x-thread"] for _ in range(3)} == {"functions"}


def test_a_call_that_ends_the_process_costs_only_itself(host: HostProcess) -> None:
    """sys.exit in a function answers 500, and the next worker serves on the same port with fresh modules."""
    with httpx.Client(base_url=host.url, headers={"Connection": "close"}) as client:
        before = _again(client)
        assert client.get("/exit").status_code == 500
        after = _again(client)
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


def test_a_call_that_is_too_long_takes_the_others_with_it(host: HostProcess) -> None:
    """At the functionTimeout the call fails with 500 and the worker is replaced."""
    with httpx.Client(base_url=host.url, timeout=20, headers={"Connection": "close"}) as client:
        before = _again(client)
        assert client.get("/slow/60").status_code == 500
        assert _again(client)[1] != before[1]


def _again(client: httpx.Client) -> list[str]:
    """The worker's process id and start, asked until it answers: a worker is replaced within moments."""
    deadline = time.monotonic() + 10
    while True:
        try:
            answer = client.get("/pid")
        except httpx.TransportError:
            assert time.monotonic() < deadline
            continue
        if answer.status_code == 200:
            return answer.text.split()
        assert time.monotonic() < deadline
