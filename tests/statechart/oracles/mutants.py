"""Wrong changes of the table, and of what calls guards and hooks by it: an oracle finds each."""

from __future__ import annotations

from tests.statechart.oracles.mutating import Mutant

TABLE, CALLS, PROGRAM, MACHINE = (
    f"statechart.engine.{name}" for name in ("table", "calls", "program", "machines.machine")
)
MACROSTEP, NESTED, FORM, RUNNING = (
    f"statechart.engine.nested.{name}" for name in ("macrostep", "program", "form", "running")
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
                "if (way.transition.is_eventless if event is None else way.transition.match(event))",
                "if str(next(iter(way.transition.events), None)) == str(event)",
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
                "return configuration & node.below & self.leaves",
                "return configuration & node.below",
            ),
            (
                "an older memory is preferred",
                "_Entry(self, {**history, **remembered})",
                "_Entry(self, {**remembered, **history})",
            ),
            (
                "nothing is remembered",
                "            remembered,\n            frozenset(",
                "            {},\n            frozenset(",
            ),
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
            (
                "the children of a parallel state make no done event of it",
                "above.kind is Kind.PARALLEL",
                "above.kind is Kind.COMPOUND",
            ),
            (
                "a region that is done makes the parallel state done",
                "self.is_done(above.number, configuration):",
                "configuration:",
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
                "if condition is None or condition(event=event):",
                "if condition is None or event:",
            ),
            (
                "the source is the target",
                "source, target = left or self.transition.source,",
                "source, target = left or self.target,",
            ),
            ("a transition without a target has one", "entered or self.aim", "entered or self.target"),
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
                "if not isinstance(error, Exception):\n            raise",
                "raise",
            ),
            ("nothing is put back", "self._keeper.restore(model, state, saved)\n            if", "if"),
            ("nothing is saved", "saved = keeper.saved(model)", "saved = None"),
            ("`after` is not called", "if step.after:", "if not step.after:"),
            ("an internal transition is logged as leaving", "if not step.stays:", "if step.stays:"),
        ],
        MACROSTEP: [
            (
                "guards are asked once for each leaf",
                "if agrees is None:",
                "if agrees is None or agrees is False:",
            ),
            (
                "an outer transition is taken beside an inner one",
                "chosen.append(step)\n                    break",
                "chosen.append(step)",
            ),
            (
                "conflicts are not settled",
                "return self._program.settled(chosen, self.standing)",
                "return chosen",
            ),
            (
                "one guard of several decides",
                "if not agrees:\n                return False",
                "return agrees",
            ),
            ("validators are not asked", "validate(owners, known)", "pass"),
            (
                "nothing follows from an event",
                "plan, owners, payload, assign)\n        self.settle(owners, assign)",
                "plan, owners, payload, assign)",
            ),
            (
                "nothing follows from the beginning",
                "program.beginning, owners, {}, assign)\n        self.settle(owners, assign)",
                "program.beginning, owners, {}, assign)",
            ),
            (
                "transitions without an event are taken after the event only",
                "self.settle(owners, assign)  # a value",
                "pass  # a value",
            ),
            (
                "internal events come before transitions without one",
                "chosen = self._follow(owners, None, {})",
                "chosen = [] if self._queue else self._follow(owners, None, {})",
            ),
            ("the last raised event is first", "self._queue.popleft()", "self._queue.pop()"),
            (
                "a raised event has no payload",
                "self._queue.append((event, payload))",
                "self._queue.append((event, {}))",
            ),
            (
                "done events have no data",
                "self._queue.append((event, data))",
                "self._queue.append((event, {}))",
            ),
            (
                "an event that nothing takes ends the macrostep",
                "chosen = self._follow(owners, event, payload)",
                "chosen = self._follow(owners, event, payload)\n                if not chosen: return",
            ),
            ("there is no limit", "if len(self.steps) >= LIMIT:", "if len(self.steps) >= 20 * LIMIT:"),
            ("the limit is less", "if len(self.steps) >= LIMIT:", "if len(self.steps) >= 4:"),
            ("`before` is not called", "for call in step.before:", "for call in ():"),
            ("`on` runs twice", "for call in step.on:", "for call in (*step.on, *step.on):"),
            ("exit hooks are not called", "in course.left:", "in ():"),
            (
                "exit hooks see the source of the transition",
                "self._known(step, owners, payload, left=state)",
                "self._known(step, owners, payload)",
            ),
            (
                "entry hooks see the target of the transition",
                "self._known(step, owners, payload, entered=state)",
                "self._known(step, owners, payload, entered=step.aim)",
            ),
            (
                "entry hooks see the old configuration",
                "            self._assign(self.standing)",
                "            pass",
            ),
            (
                "history is forgotten",
                "if plan.remembered else self.standing.history",
                "if plan.remembered else {}",
            ),
            (
                "`after` runs for the first transition only",
                "for step, keywords in self._after:",
                "for step, keywords in self._after[:1]:",
            ),
            (
                "what is prepared for one event stays for the next",
                "answers: dict[int, bool] = {}\n        self._prepared = {}",
                "answers: dict[int, bool] = {}",
            ),
            (
                "keywords are prepared again and again",
                "self._prepared[key] = found",
                "pass",
            ),
            (
                "the new configuration is the old one",
                "machine._states_of(plan.configuration)",
                "machine.configuration",
            ),
        ],
        NESTED: [
            (
                "states that were left are told in the order of the declaration",
                "tuple(state_text(node.state.value) for node, _ in plan.exits)",
                "tuple(sorted(state_text(node.state.value) for node, _ in plan.exits))",
            ),
            (
                "the steps of a plan are those of another",
                "if found is None or found.plan is not plan:",
                "found = next(iter(self._courses.values()), found)\n        if found is None:",
            ),
            ("a default entry has no content", "content += self.defaults[memory]", "pass"),
            ("timers do not end", "for alarm in self.visits[node.number].alarms),", "for alarm in ()),"),
            ("plans are kept without histories", "if self._memories else ()", "if () else ()"),
            (
                "plans are kept without the configuration",
                "key = (standing.active, tuple(map(id, steps)), memory)",
                "key = (tuple(map(id, steps)), memory)",
            ),
            (
                "transitions are kept without the event",
                "found = self._chosen.get((active, event))",
                "found = next((each for (at, _), each in self._chosen.items() if at == active), None)",
            ),
            (
                "hooks of states get no event data",
                'step.extras |= extras_of(called) & {"event_data"}',
                "step.extras |= extras_of(called) & set()",
            ),
            (
                "hooks alone are no reason for a draft",
                "called or self._prepare or any(not step.bare for step in steps)",
                "any(not step.bare for step in steps)",
            ),
        ],
        FORM: [
            (
                "ancestors are not read",
                "active |= self._table.nodes[around].bit",
                "pass",
            ),
            (
                "all active states are leaves",
                "leaves = self.texts(active & self._table.leaves)",
                "leaves = self.texts(active)",
            ),
            (
                "what was read last is read again",
                "if last[0] is state and",
                "if last[0] is not None and",
            ),
            ("history is not read", "history[number] = mask", "history[number] = mask and 0"),
            (
                "history is not written",
                "for memory in sorted(remembered)}",
                "for memory in ()}",
            ),
        ],
        RUNNING: [
            (
                "the model keeps what a refused event left",
                'own["model"] = model\n            keeper.restore(model, held, saved)',
                'own["model"] = model',
            ),
            ("`after` is not called", "if macrostep.has_after:", "if not macrostep.has_after:"),
        ],
    }.items()
    for name, text, instead in changes
]
