"""What somebody uploads, believed only after it was looked at: received, unpacked, recognised, put in place."""
