"""Many runs: what they show together."""
