"""Losses: reconstruction, SSIM, perceptual, temporal and adversarial."""
