"""munmaek.web."""
