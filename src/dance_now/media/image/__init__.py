"""Still images: decoding, photos and folders as sources and sinks."""
