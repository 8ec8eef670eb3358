"""Fuzz targets: what comes from a peer, in any bytes, must end in our own errors or in none, in bounded time and memory."""
