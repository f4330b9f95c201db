"""Results of the core as the plain values an answer carries. Amounts become text, rates numbers; nothing is decided."""
