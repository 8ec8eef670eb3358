"""What is done to certificates and handshakes."""
