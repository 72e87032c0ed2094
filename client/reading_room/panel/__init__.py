"""What the case page says beside the viewer, as plain rows for the templates; every number is rounded here, once."""
