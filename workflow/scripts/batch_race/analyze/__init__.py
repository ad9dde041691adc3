"""From histories to an answer."""
