"""Pictures and texts in, embeddings out."""
