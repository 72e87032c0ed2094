"""The textbook: network, data path, losses, metrics, stages. Knows no hospital, no server and no browser."""
