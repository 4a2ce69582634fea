"""Videos and animations: decoding and encoding through FFmpeg (PyAV), color conversion, audio."""
