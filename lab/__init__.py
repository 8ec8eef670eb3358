"""smtplab."""
