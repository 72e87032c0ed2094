"""What a hospital without internet installs from."""
