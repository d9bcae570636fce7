"""What is seen in a picture: measurements of its pixels, and the words that they justify."""

__all__ = ["ATTRIBUTE_NAMES"]

ATTRIBUTE_NAMES = ("colour", "colours", "pattern", "aspect", "symmetry", "parts", "object", "group", "kind", "faces")
"""Everything that recognition can tell, without loading what tells it."""
