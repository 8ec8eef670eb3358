"""Any mail client on trial: cases to run it against, what it should do with each, what it did, and the judgement. Pure.

Here live the table of cases, the expectation for a policy, the reading of a case's transcript, and the known clients as
command lines. Listeners are in `lab/hosts/cases.py`, processes are run by `lab/trials.py`, words are in `lab/report/trial.py`.
"""
