"""Files that are complete or missing, and their formats."""
