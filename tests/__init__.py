"""Tests. The processes they start import this package too, and so find the database of the run."""

from tests import postgres

if postgres.chosen():
    postgres.put_offices_here()
