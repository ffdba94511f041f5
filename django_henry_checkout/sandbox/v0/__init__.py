"""The early API, `/v0`."""
