"""Calls by Henry's names, and our own: carts, checkout, headless sessions, purchases, orders."""
