"""One timed run."""
