"""The only room with I/O: files, store, HTTP, command line."""
