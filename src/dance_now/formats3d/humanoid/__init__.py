"""Humanoids in files: bones by name or by structure, expressions by name, upright rest, licence-free data."""
