"""Templates: what draws the arrays of a character file, one module for each name in a card."""
