"""Scores in, ranked lists out."""
