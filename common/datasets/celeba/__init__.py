"""CelebA: its forms on disk, its lists, its faces as networks see them."""
