"""Microsoft Graph: the `Directory` and `Subscriptions` ports over msgraph-sdk's request adapter."""
