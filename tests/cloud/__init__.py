"""The simulated Microsoft cloud against the documents, over real TLS."""
