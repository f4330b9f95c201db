"""The run over the invoices of real firms."""
