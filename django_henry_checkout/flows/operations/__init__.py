"""Operations: staff actions, privacy, pruning, metrics, search, and one pass over pending work."""
