"""Event journal and outbox: record what happens to an order, and deliver it to signal receivers."""
