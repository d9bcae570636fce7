"""Visual taste: what a user likes to look at, as an object to read, compare, edit and carry elsewhere."""
