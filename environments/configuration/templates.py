"""Templates: commented files to start an environment from, one for each provider that is built in."""

from __future__ import annotations

from environments.model.names import check_name

_HEAD = """\
# An environment, for `envchart create --file FILE`. Relative paths are relative to this file.
# For completion in an editor: envchart schema > envchart.schema.json, then
# yaml-language-server: $schema=envchart.schema.json

name: {name}                  # 1 to 40 characters a-z, 0-9 and '-'
#description: What it is for.
#instance_name: envchart-{name}

provider:
"""
_LOCAL = """\
  kind: local               # on this machine: directories, a loopback port, a process
  app: ./app                # the application's directory; it is copied into each release
  #command: [python3, app.py]  # what to run in the release; by default app.py
  #health: /health          # has to answer 200 and $ENVCHART_INSTANCE_TOKEN
  #port: 8080               # by default a free one; the application finds it in $PORT
  #start_timeout: 10        # seconds to get healthy in
  #settle: 0.3              # seconds to stay healthy
  #stop_grace: 5            # seconds to end by itself
  #env:                     # variables of the application
    #GREETING: Hello
    #API_KEY: {{env: MY_API_KEY}}  # a secret: from a variable when it is started,
    #PASSWORD: {{file: ./password}}  # or from a file; it is never stored
  #files:                   # files of the configuration, found in $ENVCHART_CONFIG
    #settings.ini: |
      #[log]
      #level = info
"""
_TERRAFORM = """\
  kind: terraform           # on a host that OpenTofu or Terraform makes
  directory: ./terraform    # the module; its files that end in .j2 are rendered with Jinja2
  #binary: tofu             # by default tofu if it is on the path, else terraform
  #outputs:                 # which of the module's outputs say what
    #instance_ip: instance_ip    # where the host is
    #ssh_host_key: ssh_host_key  # which key it shows, if the module knows that before it boots
  #variables:               # the module's own
    #size: small
    #cloud_token: {{env: CLOUD_TOKEN}}  # a secret: from a variable when it is needed,
    #other_token: {{file: ./token}}     # or from a file; it is never stored here
  ssh:
    key: ~/.ssh/id_ed25519  # the private key; it needs no passphrase
    #user: root             # for another one: become, by sudo without a password
    #become: false
    #port: 22
    #host_key: ssh-ed25519 AAAA  # by default the module's, else the one that the host shows first
  #playbook: ./site.yml     # configures the host
  #playbook_variables:
    #greeting: Hello
  app: ./app                # the application's directory; it is copied into each release
  #service:
    #command: [python3, app.py]  # what to run in the release
    #port: 8080             # the application finds it in $PORT
    #user: root             # by default the user of SSH
    #directory: /opt        # on the host; gets a directory named after the instance
    #env:                   # variables of the application
      #GREETING: Hello
      #API_KEY: {{env: MY_API_KEY}}
    #health: /health        # has to answer 200 and $ENVCHART_INSTANCE_TOKEN
    #start_timeout: 30      # seconds to get healthy in
    #settle: 1              # seconds to stay healthy
    #stop_grace: 5          # seconds to end by itself
  #address: 192.0.2.7       # the host that register adopts, instead of one that the module makes
  #timeouts:                # seconds
    #init: 300
    #plan: 300
    #apply: 1800
    #ssh: 300
    #boot: 600
    #configure: 1800
    #release: 600
    #destroy: 1800
"""
TEMPLATES = {"local": _LOCAL, "terraform": _TERRAFORM}
"""The part of the provider, by its kind."""


def spec_template(name: str = "demo", kind: str = "local") -> str:
    """Return a commented file that is valid as it is, and names all that can be said.

    Raises:
        InvalidName: The name breaks a rule.
        KeyError: There is no template for that kind of provider.
    """
    return (_HEAD + TEMPLATES[kind]).format(name=check_name(name))
