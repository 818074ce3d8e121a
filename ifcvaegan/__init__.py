"""IFcVAEGAN."""
