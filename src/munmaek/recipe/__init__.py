"""munmaek.recipe."""
