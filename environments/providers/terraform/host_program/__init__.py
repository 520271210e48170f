"""Host: what is sent to a host and run there by its own Python, with nothing but the standard library.

`environments.providers.terraform.remote.calls` sends it. It runs on Python 3.9, so it is written for that.
"""
