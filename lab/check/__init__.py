"""The examination of a receiver, CheckTLS style: what is done (`session`, events in and actions out), what was found
(`findings`), the data of it all (`result`), and its score. Pure: it knows no socket and no clock, and no wording.
"""
