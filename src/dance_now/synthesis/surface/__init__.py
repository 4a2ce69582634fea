"""Samples of an avatar's surface: points with texture patches, and corrective shapes."""
