"""What every room may use. It knows neither who measures nor what is measured."""
