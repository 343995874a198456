"""munmaek.nn."""
