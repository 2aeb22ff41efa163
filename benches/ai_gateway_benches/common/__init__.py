"""What every room may use. Nothing in here knows who measures, or what is measured."""
