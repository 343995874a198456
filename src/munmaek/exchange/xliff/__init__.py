"""Translation files (XLIFF 1.2, 2.0, 2.1) whose targets are filled, all else kept to the byte."""
