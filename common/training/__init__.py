"""The training base: several players, one loop, exact resumption."""
