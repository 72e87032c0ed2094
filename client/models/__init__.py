"""Released models: taken in, compared with what is in use, kept."""
