"""The persona of on-premises Exchange 2016: connectors, certificate choice, wording, events, logs. Pure, over plain data."""
