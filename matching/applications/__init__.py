"""Applications of a firm's need to lenders: states and clocks, who is asked next, ranking, and what outcomes teach."""
