"""What is done to commands and replies."""
