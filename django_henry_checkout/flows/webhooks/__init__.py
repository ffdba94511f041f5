"""Incoming webhooks: store, match, apply."""
