"""Lip sync: mouth opening and vowels from the sound of a voice."""
