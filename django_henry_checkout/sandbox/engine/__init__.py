"""State and behaviour that all generations of the API share."""
