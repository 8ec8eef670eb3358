"""What is done to STARTTLS and around it."""
