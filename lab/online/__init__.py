"""The persona of Exchange Online: connectors, attribution, wording in two eras, message trace. Pure, over plain data."""
