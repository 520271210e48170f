"""Ansible playbooks, run as a process that reports events."""
