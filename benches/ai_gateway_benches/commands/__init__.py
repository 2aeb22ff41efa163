"""What people start: one module for each command in `benches/` that is written in Python."""
