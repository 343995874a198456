"""munmaek.decode."""
