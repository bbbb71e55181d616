"""Help pages whose examples run, and what the program is."""
