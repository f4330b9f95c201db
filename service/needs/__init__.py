"""Needs and applications in the database: who is asked next, steps taken, clocks that ran out, what outcomes tell."""
