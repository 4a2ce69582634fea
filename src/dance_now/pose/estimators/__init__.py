"""Pose estimators: one module for each that users can name, and their building blocks."""
