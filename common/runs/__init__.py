"""Run directories: what a training leaves behind, and what reads it back."""
