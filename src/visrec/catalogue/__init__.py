"""Items, images, interactions and features, checked and stored."""
