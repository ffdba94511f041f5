"""The state of purchases: interpret and apply what Henry reports, handle deadlines and doubt."""
