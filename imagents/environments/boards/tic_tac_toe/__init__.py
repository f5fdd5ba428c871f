"""Tic-tac-toe, exactly: 4,520 positions."""
