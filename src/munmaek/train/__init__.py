"""munmaek.train."""
