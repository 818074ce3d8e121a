"""Configurations and the command lines made from them: no data, no TensorFlow."""
