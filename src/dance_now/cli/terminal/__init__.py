"""Text for the terminal: printable characters, and errors in the words of the command line."""
