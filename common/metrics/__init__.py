"""Measures of edited and reconstructed images: errors, hashes, baselines, a digit classifier."""
