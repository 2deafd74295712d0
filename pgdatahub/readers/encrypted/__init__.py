"""Encrypted workbooks: passwords, and the process that decrypts a package. Nothing is imported here."""
