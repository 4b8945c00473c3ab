"""What we sign comes back believed, and nothing else does."""

import pytest

from sync.core.signing import challenge, client_state, open_state, read_client_state, seal_state

KEY, FORMER = "k" * 32, "f" * 32
CONNECTION, TENANT = "c" * 32, "11111111-2222-4333-8444-555555555555"


def test_client_state_says_feed_and_epoch() -> None:
    """A clientState of ours tells the feed and the epoch it was made for."""
    value = client_state(KEY, CONNECTION, TENANT, "groups", 7)
    assert read_client_state([KEY], CONNECTION, TENANT, value) == ("groups", 7)


def test_client_state_fits_graph() -> None:
    """It never has more than the 128 characters that Graph takes."""
    assert len(client_state(KEY, CONNECTION, TENANT, "groups", 524_287)) <= 128


def test_former_key_is_still_believed() -> None:
    """After a change of keys, what the former one signed still holds."""
    value = client_state(FORMER, CONNECTION, TENANT, "users", 1)
    assert read_client_state([KEY, FORMER], CONNECTION, TENANT, value) == ("users", 1)
    assert read_client_state([KEY], CONNECTION, TENANT, value) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        7,
        {},
        "users.1.",
        "users.1." + "A" * 43,
        "users.2.{code}",
        "groups.1.{code}",
        "users.1.{code}A",
        "users.1.{code}\n",
        "devices.1.{code}",
        "users.01.{code}",
        "users.-1.{code}",
        "users.99999999999999.{code}",
        "USERS.1.{code}",
    ],
)
def test_altered_client_state_is_refused(value: object) -> None:
    """Anything that differs in feed, epoch, length or type proves nothing."""
    code = client_state(KEY, CONNECTION, TENANT, "users", 1).rpartition(".")[2]
    altered = value.replace("{code}", code) if isinstance(value, str) else value
    assert read_client_state([KEY], CONNECTION, TENANT, altered) is None


def test_client_state_is_bound_to_connection_and_tenant() -> None:
    """What was made for one connection or tenant is worth nothing for another."""
    value = client_state(KEY, CONNECTION, TENANT, "users", 1)
    assert read_client_state([KEY], "d" * 32, TENANT, value) is None
    assert read_client_state([KEY], CONNECTION, TENANT.replace("1", "2"), value) is None


def test_state_opens_to_what_was_sealed() -> None:
    """A sealed state gives back its random characters; a guess, a cut or another key does not."""
    random_hex = "0123456789abcdef" * 4
    sealed = seal_state(KEY, random_hex)
    assert open_state([KEY], sealed) == random_hex
    assert open_state([FORMER], sealed) is None
    assert open_state([KEY], sealed[:-1]) is None
    assert open_state([KEY], sealed + "\n") is None
    assert open_state([KEY], random_hex) is None


def test_challenge_is_the_one_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
