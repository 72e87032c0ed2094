"""One round: who is asked, how long is waited, what comes of the replies."""
