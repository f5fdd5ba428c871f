"""Board games for two: k stones in a line win. Tic-tac-toe, connect four and their relatives up to 64 cells."""
