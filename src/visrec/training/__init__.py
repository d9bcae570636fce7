"""What every network is trained with: seeds, epochs, and weights as arrays. Knows nothing of users and items."""
