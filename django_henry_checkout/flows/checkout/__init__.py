"""Checkout sessions: hosted, embedded and inline, from the start to the purchase."""
