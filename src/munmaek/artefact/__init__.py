"""munmaek.artefact."""
