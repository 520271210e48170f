"""A plugin for Ansible that holds a run to check mode, whatever the playbook says.

Ansible lets a task leave check mode: by `check_mode: false` on the task, its block, role, play or include.
"""

# Ansible loads this file by its path, in the Python that runs Ansible: only Ansible can be imported.
# The fact cache is the first plugin that Ansible loads, before it reads the playbook. If it can't be
# loaded, Ansible goes on without it: the callback plugin refuses to run a check then.

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionSkip, AnsibleError
from ansible.playbook.attribute import FieldAttribute
from ansible.playbook.base import Base
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.cache.memory import CacheModule as MemoryCache
from ansible.plugins.loader import lookup_loader

DOCUMENTATION = """
    name: envchart_check
    short_description: a fact cache in memory, whose loading holds Ansible to check mode
    description: Keeps facts in memory, as the plugin memory does.
    version_added: "2.17"
"""
_NOT_RUN = "not run by a check"
_LOOKUPS = {"pipe", "lines", "password"}  # they run a program, or write a file


class CacheModule(MemoryCache):  # type: ignore[misc]  # Ansible has no types
    """The fact cache in memory."""


class _Held(FieldAttribute):  # type: ignore[misc]
    """An attribute of tasks that has one value, whatever the playbook says."""

    def __init__(self, declared: Any, value: object) -> None:
        super().__init__(isa=declared.isa, default=value, alias=declared.alias)
        self.name = declared.name
        self.value = value

    def __get__(self, obj: Any, obj_type: Any = None) -> Any:
        return self.value

    def __set__(self, obj: Any, value: object) -> None:
        # Ansible also writes back the value that it has read; what the playbook declares is kept.
        if value is not self.value:
            super().__set__(obj, value)


def _hold(owner: Any, name: str, value: object) -> None:
    setattr(owner, name, _Held(vars(owner)[name], value))


def _only_modules_that_can_check(configure: Any) -> Any:
    """Skip modules that are not told of check mode: programs, and scripts of the old styles."""

    def configured(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = configure(self, *args, **kwargs)
        style = getattr(result[0], "module_style", result[0])
        if style != "new":
            raise AnsibleActionSkip(f"{_NOT_RUN}: a module of the style {style} has no check mode")
        return result

    return configured


def _without_effects(get: Any) -> Any:
    """Refuse lookups that have effects: Ansible runs lookups in check mode, too."""

    def got(name: str, *args: Any, **kwargs: Any) -> Any:
        found = get(name, *args, **kwargs)
        known = (name, getattr(found.plugin_load_context, "resolved_fqcn", None) or "")
        if any(
            each.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.") in _LOOKUPS
            for each in known
        ):
            raise AnsibleError(f"{_NOT_RUN}: the lookup {name} may have effects")
        return found

    return got


_hold(Base, "check_mode", 1)  # not True, which a playbook may declare
_hold(Task, "async_val", 0)  # a task in the background has no check mode
ActionBase._configure_module = _only_modules_that_can_check(ActionBase._configure_module)
lookup_loader.get_with_context = _without_effects(lookup_loader.get_with_context)
