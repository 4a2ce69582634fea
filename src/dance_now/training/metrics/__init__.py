"""Evaluation metrics: PSNR, SSIM, IoU, per-part error, temporal jitter, comparison sheets."""
