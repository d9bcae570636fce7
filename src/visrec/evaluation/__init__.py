"""Splits, metrics, and the comparison of recommenders."""
