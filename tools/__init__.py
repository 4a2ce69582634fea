"""Programs that write files which the package ships."""
