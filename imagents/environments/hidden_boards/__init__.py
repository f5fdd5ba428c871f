"""Board games in which one sees one's own stones, and those of the other side that one has run into."""
