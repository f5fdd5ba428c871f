"""Connect four, exactly: labelled positions and a solver."""
