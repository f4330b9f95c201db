"""Facts and rules to answers: conditions, parameters, products, schemes, costs. Pure functions; no I/O."""
