"""CRG, the Cyclic Reverse Generator of Dogan & Keles (arXiv 1907.01841), on MNIST.

An encoder inverts a frozen generator by two cyclic losses; directions in its latent space come
from one pair of images, and edits are steps along them.
"""
