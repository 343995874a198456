"""munmaek.metrics."""
