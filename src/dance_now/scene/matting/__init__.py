"""Matting: alpha of the people to remove, with what they hold and the shadow they cast."""
