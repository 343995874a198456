"""munmaek."""
