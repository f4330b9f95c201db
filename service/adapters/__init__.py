"""Turns what others publish into files of declared feeds. An adapter reads and writes files, and judges nothing."""
