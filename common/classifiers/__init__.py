"""Classifiers of digits and of faces, trained on real images only; they read what edits did."""
