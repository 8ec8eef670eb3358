"""The cmdlets: functions from a `Call` to what they write, one file a family, each with its table at the end; `registry` has all."""
