"""Following environments that other processes work on, without taking their locks."""
