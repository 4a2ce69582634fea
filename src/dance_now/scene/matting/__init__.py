"""Matting: alpha of the people to remove, with held objects and cast shadows."""
