"""Surface sampling of an avatar: points with texture patches, and corrective shapes."""
