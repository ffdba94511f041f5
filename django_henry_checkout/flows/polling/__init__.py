"""The poll engine: claims, calls, bulk polls, rate limits, and reconciliation with Henry's order list."""
