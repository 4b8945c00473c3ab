"""Runs the product on one machine: Functions host, simulated Microsoft cloud, storage, mail. Never deployed."""
