"""Background reconstruction: clean plates, camera motion, inpainting, replacement backgrounds."""
