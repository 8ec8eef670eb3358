"""TLS and X.509 without sockets: engine, mint, trust, verdict. The home of cryptography, pyOpenSSL and trustme."""
