"""Wrong changes of the table, and of what calls guards and hooks by it: an oracle finds each."""

from __future__ import annotations

from tests.statechart.oracles.mutating import Mutant

TABLE, CALLS, PROGRAM, MACHINE = (
    f"statechart.engine.{name}" for name in ("table", "calls", "program", "machine")
)

MUTANTS = [
    Mutant(name, module, text, instead)
    for module, changes in {
        TABLE: [
            (
                "only children are within a state",
                "node.below |= self.nodes[child].bit | self.nodes[child].below",
                "node.below |= self.nodes[child].bit",
            ),
            (
                "the states around are asked first",
                "for number in (leaf, *self.nodes[leaf].ancestors)",
                "for number in (*self.nodes[leaf].ancestors, leaf)",
            ),
            (
                "a transition has one event",
                "if way.transition.match(event)",
                'if str(next(iter(way.transition.events), "")) == event',
            ),
            (
                "the earlier of two in conflict is taken",
                "if all(self._is_within(way.source, rival.source) for rival in rivals):",
                "if not rivals:",
            ),
            (
                "both of two in conflict are taken",
                "kept = [other for other in kept if other not in rivals]",
                "kept = list(kept)",
            ),
            (
                "the domain is left, too",
                "else self.nodes[domain].below)",
                "else self.nodes[domain].below | self.nodes[domain].bit)",
            ),
            (
                "states are left from the outside in",
                "for number in sorted(leaving, reverse=True)",
                "for number in sorted(leaving)",
            ),
            (
                "states are entered from the inside out",
                "for number in sorted(entering.states)),",
                "for number in sorted(entering.states, reverse=True)),",
            ),
            ("deep and shallow are swapped", ".kind is Kind.DEEP:", ".kind is Kind.SHALLOW:"),
            (
                "a deep history remembers compound states",
                "return configuration & node.below & self._leaves",
                "return configuration & node.below",
            ),
            (
                "an older memory is preferred",
                "_Entry(self, {**history, **remembered})",
                "_Entry(self, {**remembered, **history})",
            ),
            ("nothing is remembered", "            remembered,\n        )", "            {},\n        )"),
            ("an internal transition leaves its state", "targets == (way.source,)", "targets == ()"),
            (
                "an internal transition leaves its compound state",
                "or (source.kind is Kind.COMPOUND and all(",
                "or (source.kind is Kind.ATOMIC and all(",
            ),
            (
                "a parallel state is a domain",
                "if around.kind is Kind.COMPOUND and all(",
                "if all(",
            ),
            (
                "memory is not returned to",
                "yield from bits(history[target])",
                "yield from self.effective(self.default(node), history)",
            ),
            (
                "the default of a history is ignored",
                "tuple(target for way in memory.ways for target in way.targets)\n",
                "()\n",
            ),
            (
                "the initial state is not entered",
                "for target in node.initial:\n            self._down(target, way)",
                "for target in ():\n            self._down(target, way)",
            ),
            (
                "regions of a target are not entered",
                "if node.kind is Kind.PARALLEL:\n            self._regions(node, way)",
                "if node.kind is Kind.SHALLOW:\n            self._regions(node, way)",
            ),
            (
                "regions beside a target are not entered",
                "if self._nodes[around].kind is Kind.PARALLEL:",
                "if self._nodes[around].kind is Kind.SHALLOW:",
            ),
            (
                "all states around are entered anew",
                "if around == domain:\n                break",
                "if around == domain:\n                continue",
            ),
            (
                "the last state is the initial one",
                "if self.nodes[top].state.initial), tops[0])",
                "if self.nodes[top].state.final), tops[-1])",
            ),
        ],
        CALLS: [
            (
                "priorities are turned around",
                "self.spec.priority < other.spec.priority",
                "self.spec.priority > other.spec.priority",
            ),
            (
                "`unless` is taken for `cond`",
                "is (self.spec.expected_value is not False)",
                "is (self.spec.expected_value is not None)",
            ),
            ("a function is called as often as it is named", "if source.key not in seen:", "if source:"),
            (
                "the last owner comes first",
                "for at, owner in enumerate(self._owners):\n            if name in",
                "for at, owner in reversed(list(enumerate(self._owners))):\n            if name in",
            ),
            (
                "one owner is enough",
                "yield _method(at, name, method)\n",
                "yield _method(at, name, method)\n                    return\n",
            ),
            (
                "one owner has to agree",
                "if not answer:\n                break",
                "if answer:\n                break",
            ),
            (
                "defaults are preferred to the payload",
                "elif parameter.name not in known:",
                "elif parameter.name not in known or parameter.default is not Parameter.empty:",
            ),
            (
                "`**rest` has nothing",
                "for name, value in known.items() if name not in taken}",
                "for name, value in known.items() if name in ()}",
            ),
            (
                "`**rest` has named ones, too",
                "taken = {each.name for each in parameters}",
                "taken = {each.name for each in ()}",
            ),
            ("arguments are turned around", "itemgetter(*names)", "itemgetter(*reversed(names))"),
            (
                "a property is asked for in objects, too",
                "if getattr_static(type(owner), spec.attr_name, None) is spec.func:",
                "if getattr_static(type(owner), spec.attr_name, None) is None:",
            ),
        ],
        PROGRAM: [
            ("validators are not asked", "            validate(owners, known)", "            pass"),
            (
                "one guard decides",
                "if not guard.agrees(owners, known):\n                return False",
                "return guard.agrees(owners, known)",
            ),
            ("`before` is not called", "for call in self.before:", "for call in ():"),
            (
                "exit hooks are turned around",
                "for call in self.leaving:",
                "for call in self.leaving[::-1]:",
            ),
            ("`on` is called twice", "for call in self.on:", "for call in (*self.on, *self.on):"),
            ("one `after` is enough", "for call in self.after:", "for call in self.after[:1]:"),
            (
                "entry hooks see the source",
                "entered = self.known(owners, payload, self.target)",
                "entered = self.known(owners, payload, self.transition.source)",
            ),
            (
                "the new configuration is taken for the old one",
                'known["previous_configuration"] = machine.configuration\n',
                'known["previous_configuration"] = machine.configuration_of(self.target)\n',
            ),
            (
                "hooks of another event of the transition run",
                "if each.spec.cond is None or each.spec.cond(event=event)",
                "if each.spec.cond is None or event",
            ),
            (
                "the source is the target",
                '"source": self.transition.source,',
                '"source": self.target,',
            ),
            ("what is prepared is lost", "known.update(prepared)", "pass"),
            (
                "what is prepared is seen while it is",
                "in [call(owners, known) for call in self.prepare]:",
                "in (call(owners, known) for call in self.prepare):",
            ),
            ("nothing is prepared for exits", "self.prepare and not self.stays", "None"),
            ("the payload is preferred to what it hides", "**payload,\n            ", ""),
        ],
        MACHINE: [
            (
                "guards are not asked",
                "if step.bare or step.is_open(owners, known):",
                "if step.bare or owners:",
            ),
            (
                "the state stays",
                "keeper.assign(owners[1], step.target.value)",
                "keeper.assign(owners[1], step.transition.source.value)",
            ),
            (
                "an error after the commit is raised",
                "if not isinstance(error, Exception):\n                raise",
                "raise",
            ),
            ("nothing is put back", "keeper.restore(model, source.value, saved)\n                if", "if"),
            ("nothing is saved", "saved = keeper.saved(model)", "saved = None"),
            ("`after` is not called", "if step.after:", "if not step.after:"),
            ("an internal transition is logged as leaving", "if not step.stays:", "if step.stays:"),
        ],
    }.items()
    for name, text, instead in changes
]
