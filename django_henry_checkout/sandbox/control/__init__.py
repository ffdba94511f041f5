"""The control API for tests and demos, `/__sandbox__/`."""
