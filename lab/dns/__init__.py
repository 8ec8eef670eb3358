"""Zones and answers. Pure; dnspython underneath."""
