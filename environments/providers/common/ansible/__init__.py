"""Ansible: playbooks, run as a process whose events are followed."""
