"""One round at the hospital, from the request that arrives to the reply that is stored."""
