"""What a character is: load, check, draw."""
