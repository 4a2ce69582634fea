"""Downloads of network weights and of the sample clip, each fetched once and checked against its SHA-256.

What ships inside the package lies beside the code that reads it.
"""
