"""CRG on faces: a progressive generator, and an encoder on VGG16's first blocks (Sec. 3.2.2)."""
