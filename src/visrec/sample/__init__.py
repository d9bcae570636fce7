"""A catalogue that visrec draws itself, with customers whose taste is known."""

from visrec.sample.customers import Interest, Taste
from visrec.sample.products import Look
from visrec.sample.shop import SampleFiles, draw_shop
from visrec.sample.truth import read_looks, read_truth

__all__ = ["Interest", "Look", "SampleFiles", "Taste", "draw_shop", "read_looks", "read_truth"]
