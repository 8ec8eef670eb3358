"""The running lab: a topology that outlasts its process. State in SQLite, queues that retry, configuration with its history.

What it holds is told to the outside by `lab.web`; here is neither HTTP nor a terminal. SQLite is imported here only.
"""
