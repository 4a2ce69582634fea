"""Videos and animations: decoding and encoding through FFmpeg (PyAV), colour conversion, sound."""
