"""The reading room as pages and as a documented API; every answer says that it is for research use only."""
