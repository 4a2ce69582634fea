"""Live: a camera's frames danced as they arrive, shown by a local web server, a file or a virtual camera."""
