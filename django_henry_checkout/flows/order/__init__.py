"""Orders: transitions, history, snapshots, review queues, export and status links."""
