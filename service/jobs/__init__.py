"""Work that outlives a request: the queue, the kinds of jobs, the worker."""
