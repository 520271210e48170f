"""Events: following the records of all environments, and commands that are run after transitions."""
