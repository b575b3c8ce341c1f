"""What Tieout costs, each case beside its floor: `python -m benchmarks [NAME...]`. Never asserted in tests."""
