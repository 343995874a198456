"""munmaek.cli."""
