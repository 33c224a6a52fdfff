"""What is compared: networks in each framework, methods, third-party libraries and the oracle."""
