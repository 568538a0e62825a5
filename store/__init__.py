"""Where things are kept: SQL engine, the one schema, migrations, secrets, envelope encryption."""
