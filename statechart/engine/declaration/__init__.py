"""What a chart declares, checked when its class is created: names, members, parameters and models."""
