"""dance_now: an anime character that moves as you move."""
