"""The scene around the character: person matte, clean background, compositing."""
