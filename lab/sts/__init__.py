"""MTA-STS (RFC 8461): record and policy as text, which policy is in force, what it allows; the policy's web host as data. Pure."""
