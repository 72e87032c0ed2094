"""Cases through a model: results, findings, files."""
