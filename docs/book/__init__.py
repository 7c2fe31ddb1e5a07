"""The book: all modules with their real outputs, as a static site."""
