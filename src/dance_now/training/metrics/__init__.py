"""Evaluation: image metrics, scores, comparison sheets."""
