"""How much memory each service needs at most: `guests` measures it, `measured` is the file that it goes into."""
