"""The pose estimators: one module each, named as the user names it, with a function ``build``."""
