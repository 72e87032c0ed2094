"""What this hospital allows: privacy, limits on a coordinator's requests, thresholds of image quality."""
