"""Training a character: networks, losses, loop, export. The only package that imports torch."""
