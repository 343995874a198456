"""Task embed: vectors in which texts of one meaning are near each other."""
