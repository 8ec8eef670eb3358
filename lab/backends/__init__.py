"""Where hosts run. A backend takes a topology and makes it real; all speak of the same hosts and the same transcript."""
