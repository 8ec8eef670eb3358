"""SMTP as a language: lines, commands, replies, content framing, and the table of who may say what when. Pure."""
