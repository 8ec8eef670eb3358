"""What a session left on the wire, kept so that others can look at it: bytes with their times, TLS secrets, a file for Wireshark.

Here live the record of one connection (`wire.py`), the packets that it must have been (`packets.py`) and the capture file that
holds them with the secrets that open it (`pcapng.py`). Pure: who records gives the time and the bytes.
"""
