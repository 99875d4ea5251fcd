"""Stand-ins for a camera, for demonstrations, benchmarks and tests."""
