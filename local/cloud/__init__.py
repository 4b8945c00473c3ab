"""The simulated Microsoft cloud: Entra sign-in, consent and Graph over TLS, for this machine only.

Written from what Microsoft documents, never from how the product's client behaves, and importing nothing of
it, so that the two cannot share a misunderstanding. `docs/simulated-cloud.md` says how to start and steer it.
"""
