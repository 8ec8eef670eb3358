"""How other systems word what we find: one table for each kind of finding, each word with its source.

A word that nobody attests is not in a table, and is shown as `not attested`. What a system takes without a word is a word
too (`Word.text` is then empty), since that is why a fault goes unseen for years.
"""
