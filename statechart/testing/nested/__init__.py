"""What tests can meet of charts whose events are macrosteps: configurations, refusals, transitions."""
