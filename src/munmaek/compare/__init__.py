"""munmaek.compare."""
