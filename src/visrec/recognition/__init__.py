"""What is seen in a picture: measurements of its pixels, and the words that they justify."""
