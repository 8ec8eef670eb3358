"""What is done to bytes on their way, whatever they are."""
