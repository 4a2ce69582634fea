"""The drawing kernel: a small C library, and what finds and calls it."""
