"""Fire events on charts that take several microsteps: states within states, timers, internal events."""
