"""The demo: a customer's application under load, quieted, deployed and woken, and a ledger of every job."""
