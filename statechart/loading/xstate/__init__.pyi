from statechart.loading.xstate.yaml_text import read_yaml as read_yaml
