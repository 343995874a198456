"""munmaek.tasks."""
