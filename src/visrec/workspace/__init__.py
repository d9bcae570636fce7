"""The composition root: the only package where catalogue, encoders, recommenders and evaluation meet."""
