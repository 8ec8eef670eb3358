"""The sender's mind: policy, what was offered, verdict; hence deliver, defer or bounce, and why. Pure."""
