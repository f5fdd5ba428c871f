"""Control tasks, in tensors: what an agent pushes and balances alone."""
