"""The program that runs on hosts: sent there with each call and run by the host's own Python.

`environments.providers.terraform.remote.calls` sends the modules. They import the standard library
only, and run on Python 3.9 and later.
"""
