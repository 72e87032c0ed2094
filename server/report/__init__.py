"""A run's report: numbers from the ledger alone, figures, and the page."""
