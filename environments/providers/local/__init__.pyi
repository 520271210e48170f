from environments.providers.local.provider import LocalProvider as LocalProvider
