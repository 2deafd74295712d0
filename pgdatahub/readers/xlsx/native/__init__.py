"""The compiled core, a library in Rust with a C interface: its sources, its build hook, and its Python side."""
