"""Motion of characters: who replaces whom, live or recorded sessions, and springs."""
