"""The management shell: a language over plain data that reads, computes and words like Windows PowerShell 5.1. Pure.

`session.py` is the way in: `Shell(world).run(line)`. The language is `scanner`, `parser` and `expressions` (text to `syntax`),
`evaluate`, `operators` and `members` (syntax to values), `display`, `layout` and `views` (values to text), `failure` (errors).
The cmdlets are tables of functions, one file a family, in `cmdlets/`; all they can reach is the `world`. Nothing here knows a
file, a process, a socket or a Python attribute of a value. No room above may be imported, and no clock is read.
"""
