"""Directions in the latent space of any model here: how they are found, kept and followed."""
