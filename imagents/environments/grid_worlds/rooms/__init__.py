"""Rooms behind doors as MiniGrid has them, in tensors, and how well one can do in them."""
