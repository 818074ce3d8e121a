"""IcGAN: a conditional GAN that two encoders invert, to edit images by their attributes.

Perarnau et al. 2016 (arXiv 1611.06355) as the Stanford report of Sun, Li & Xu rebuilt it; see
README.md.
"""
