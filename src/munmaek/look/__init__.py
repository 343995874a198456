"""munmaek.look."""
