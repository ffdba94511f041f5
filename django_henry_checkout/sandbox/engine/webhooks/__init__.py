"""Webhooks: what triggers them, and how they are delivered."""
