"""Microsoft's clouds: where each signs in and where its Graph is (microsoft-facts §12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sync.core.connection import Cloud


class Endpoints(NamedTuple):
    """One cloud: base URLs without a trailing slash, and the audience for a managed identity's assertion."""

    login: str
    graph: str
    exchange_audience: str


_GOV_LOGIN, _GOV_AUDIENCE = "https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"
NATIONAL: Mapping[Cloud, Endpoints] = {
    Cloud.US_GOV: Endpoints(_GOV_LOGIN, "https://graph.microsoft.us", _GOV_AUDIENCE),
    Cloud.US_DOD: Endpoints(_GOV_LOGIN, "https://dod-graph.microsoft.us", _GOV_AUDIENCE),
    Cloud.CHINA: Endpoints(
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
    ),
}
_BY_LOGIN = {national.login: national.exchange_audience for national in NATIONAL.values()}


def endpoints(cloud: str, login: str, graph: str) -> Endpoints:
    """The endpoints of a cloud; `login` and `graph` are the settings' and stand for the default one."""
    if national := NATIONAL.get(Cloud(cloud)):
        return national
    return Endpoints(login, graph, _BY_LOGIN.get(login, "api://AzureADTokenExchange"))
