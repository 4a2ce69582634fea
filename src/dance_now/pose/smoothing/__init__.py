"""Filters over time: One-Euro for live motion, zero-phase for whole clips."""
