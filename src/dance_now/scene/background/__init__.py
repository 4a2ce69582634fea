"""The clean background: plates from other frames, camera motion, inpainting, replacement backgrounds."""
