"""Character files: reading, checking and drawing them; ``builtin/`` holds those that ship.

How characters are made is for ``training``.
"""
