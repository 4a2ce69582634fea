"""The points generator and its parts in torch."""
