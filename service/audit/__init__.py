"""The audit journal: entries in one unbroken chain, written in the transaction of what they tell."""
