"""What all workers share: clock, leases, retries, wake-ups, heartbeats."""
