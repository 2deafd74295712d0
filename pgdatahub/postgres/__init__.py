"""PostgreSQL: the only package that imports SQLAlchemy and psycopg."""
