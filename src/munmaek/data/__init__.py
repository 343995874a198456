"""munmaek.data."""
