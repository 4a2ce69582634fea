"""Points generator: skinned surface points, soft splatting, patch layer and decoder, in torch."""
