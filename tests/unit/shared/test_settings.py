"""Settings are read from one table, and everything that is wrong is named at once."""

import re

import pytest

from shared.settings import SETTINGS, BadSettings, load

GOOD = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "PUBLIC_URL": "https://sync.moxso.example/",
    "ENTRA_CLIENT_ID": "client",
    "ENTRA_CLIENT_SECRET": "secret",
    "MAIL_URL": "smtp://mail:25",
    "MAIL_SENDER": "no-reply@moxso.example",
    "SIGNING_KEYS": "a" * 32 + ", " + "b" * 32,
    "WORKSPACE_ISSUER": "moxso",
    "WORKSPACE_AUDIENCE": "sync",
    "WORKSPACE_JWKS": '{"keys":[]}',
}


def problems(**changes: str | None) -> str:
    """What the loader says about the good settings with some changed; None takes one away."""
    environ = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(BadSettings) as caught:
        load(environ)
    return str(caught.value)


def test_good_settings_are_read_with_their_defaults() -> None:
    """Public clouds and a sane pace where nobody said otherwise; URLs without a trailing slash; keys apart."""
    settings = load(GOOD)
    assert settings.public_url == "https://sync.moxso.example"
    assert settings.graph_endpoint == "https://graph.microsoft.com"
    assert settings.login_endpoint == "https://login.microsoftonline.com"
    assert settings.signing_keys == ("a" * 32, "b" * 32)
    assert (settings.pull_interval, settings.full_pass_interval, settings.hint_delay) == (300.0, 86_400.0, 2.0)
    assert settings.ca_file == ""


def test_nothing_set_names_every_missing_setting_and_how_to_mend_it() -> None:
    """One look at the message is enough to set them all."""
    with pytest.raises(BadSettings) as caught:
        load({})
    said = str(caught.value)
    for setting in SETTINGS:
        if setting.default is None:
            assert f"{setting.name} is missing ({setting.help})" in said
    assert "AzureWebJobsStorage or AzureWebJobsStorage__accountName is missing" in said
    assert "ENTRA_CLIENT_SECRET or ENTRA_MANAGED_IDENTITY_CLIENT_ID is missing" in said


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"AzureWebJobsStorage", "ENTRA_CLIENT_SECRET"}))
@pytest.mark.parametrize("value", [None, "", "   "])
def test_one_that_is_missing_is_named_alone(name: str, value: str | None) -> None:
    """Blank is missing; the others are not complained about."""
    said = problems(**{name: value})
    assert name in said
    assert not [other for other in GOOD if other != name and re.search(rf"\b{other}\b", said)]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUBLIC_URL", "sync.moxso.example", "PUBLIC_URL must be a URL"),
        ("PUBLIC_URL", "https://[::1", "PUBLIC_URL must be a URL"),
        ("PUBLIC_URL", "https://host:99999", "PUBLIC_URL must be a URL"),
        ("GRAPH_ENDPOINT", "http://graph.microsoft.com", "GRAPH_ENDPOINT must begin with https://"),
        ("ENTRA_LOGIN_ENDPOINT", "http://login", "ENTRA_LOGIN_ENDPOINT must begin with https://"),
        ("MAIL_URL", "http://mail", "MAIL_URL must begin with smtp://"),
        ("MAIL_URL", "mail:25", "MAIL_URL must be a URL"),
        ("SIGNING_KEYS", "short", "32 characters"),
        ("SIGNING_KEYS", f"{'a' * 32},short", "32 characters"),
        ("SIGNING_KEYS", " , ,", "32 characters"),
        ("PULL_INTERVAL", "soon", "PULL_INTERVAL must be a number of seconds"),
        ("FULL_PASS_INTERVAL", "-1", "FULL_PASS_INTERVAL must be a number of seconds"),
        ("HINT_DELAY", "1e3", "HINT_DELAY must be a number of seconds"),
        ("HINT_DELAY", "nan", "HINT_DELAY must be a number of seconds"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_be(name: str, value: str, said: str) -> None:
    """The message says which setting and what is expected."""
    assert said in problems(**{name: value})


def test_many_problems_are_named_together() -> None:
    """Not one after the other, deployment by deployment."""
    said = problems(PUBLIC_URL="x", GRAPH_ENDPOINT="http://g", SIGNING_KEYS="short", HINT_DELAY="x", MAIL_SENDER=None)
    assert all(name in said for name in ("PUBLIC_URL", "GRAPH_ENDPOINT", "SIGNING_KEYS", "HINT_DELAY", "MAIL_SENDER"))


def test_secrets_are_not_repeated_in_the_message() -> None:
    """The message may be logged."""
    said = problems(SIGNING_KEYS="weak-key", ENTRA_CLIENT_SECRET="hush", MAIL_SENDER=None)
    assert "weak-key" not in said
    assert "hush" not in said


def test_identity_stands_for_secrets() -> None:
    """In Azure neither a connection string nor a client secret is needed."""
    environ = {
        name: value for name, value in GOOD.items() if name not in {"AzureWebJobsStorage", "ENTRA_CLIENT_SECRET"}
    }
    environ |= {"AzureWebJobsStorage__accountName": "store", "ENTRA_MANAGED_IDENTITY_CLIENT_ID": "identity"}
    settings = load(environ)
    assert (settings.storage_account, settings.managed_identity, settings.client_secret) == ("store", "identity", "")


def test_only_the_table_is_read() -> None:
    """An unknown variable changes nothing, and without an argument the process's environment is read."""
    assert load({**GOOD, "PULL_INTERVALS": "9"}) == load(GOOD)


def test_the_environment_is_read_when_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The composition root calls it without an argument."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert load() == load(GOOD)


def test_names_are_unique_and_explained() -> None:
    """Every setting has a known kind and a sentence of help."""
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.kind in {"text", "secret", "url", "seconds", "flag"}
        assert len(setting.help) > 10
