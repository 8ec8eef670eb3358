"""The persona of any other domain's MTA: opportunistic as sender, accepting as receiver. Pure, over plain data."""
