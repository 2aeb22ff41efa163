"""What people start. There is one module for each command in `benches/` that is written in Python."""
