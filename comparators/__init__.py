"""Systems that the papers compare with, rebuilt on the same base, so that one table holds all."""
