"""From histories to the answer, the forecast and the winner's mistakes."""
