"""The application: options, analysis pass, sessions and compositor over a whole photo, video or folder.

No algorithm lives here; the command line is a thin layer over it.
"""
