"""The checkout in the shop's own page, in a real browser: each row of the table of what must hold, by its number."""
