"""The man in the middle: a relay that speaks SMTP and TLS on both legs, and one file per behaviour. Pure."""
