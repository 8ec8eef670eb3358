"""THE FENCE: the only room that opens sockets or imports asyncio's transports. What happens on them is decided elsewhere."""
