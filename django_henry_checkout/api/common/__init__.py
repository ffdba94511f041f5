"""What the dialects share: the base view, callers, parsing, problems, idempotency, money."""
