"""Access: callers, tokens, idempotency keys and throttling."""
