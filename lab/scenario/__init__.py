"""Scenarios: model, load, expectations, fixes. Pure but for reading the files that it is given."""
