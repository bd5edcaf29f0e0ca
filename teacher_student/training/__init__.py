"""Online SGD: one definition (`stepwise`), two fast exact forms (`full`, `gram`), one entry (`simulate`)."""
