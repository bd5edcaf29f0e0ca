"""Online SGD: its definition (`stepwise`), three fast exact forms (`gram`, `bulk`, `full`), `simulate`."""
