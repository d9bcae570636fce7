"""Models that score items for histories."""
