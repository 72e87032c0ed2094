"""Who may do what in the reading room: roles, accounts, sessions, and how often a password may be tried."""
